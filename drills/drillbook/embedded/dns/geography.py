"""Where the regions are. Distance stands for latency, which Route 53 measures and does not publish."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Spot:
    """Degrees, and the codes that a geolocation record may name."""

    latitude: float
    longitude: float
    country: str
    continent: str


NOWHERE = Spot(0.0, 0.0, "", "")
SPOTS = {
    "af-south-1": Spot(-33.9, 18.4, "ZA", "AF"),
    "ap-east-1": Spot(22.3, 114.2, "HK", "AS"),
    "ap-northeast-1": Spot(35.7, 139.7, "JP", "AS"),
    "ap-northeast-2": Spot(37.6, 127.0, "KR", "AS"),
    "ap-northeast-3": Spot(34.7, 135.5, "JP", "AS"),
    "ap-south-1": Spot(19.1, 72.9, "IN", "AS"),
    "ap-south-2": Spot(17.4, 78.5, "IN", "AS"),
    "ap-southeast-1": Spot(1.4, 103.8, "SG", "AS"),
    "ap-southeast-2": Spot(-33.9, 151.2, "AU", "OC"),
    "ap-southeast-3": Spot(-6.2, 106.8, "ID", "AS"),
    "ap-southeast-4": Spot(-37.8, 145.0, "AU", "OC"),
    "ap-southeast-5": Spot(3.1, 101.7, "MY", "AS"),
    "ca-central-1": Spot(45.5, -73.6, "CA", "NA"),
    "ca-west-1": Spot(51.0, -114.1, "CA", "NA"),
    "eu-central-1": Spot(50.1, 8.7, "DE", "EU"),
    "eu-central-2": Spot(47.4, 8.5, "CH", "EU"),
    "eu-north-1": Spot(59.3, 18.1, "SE", "EU"),
    "eu-south-1": Spot(45.5, 9.2, "IT", "EU"),
    "eu-south-2": Spot(41.6, -0.9, "ES", "EU"),
    "eu-west-1": Spot(53.3, -6.3, "IE", "EU"),
    "eu-west-2": Spot(51.5, -0.1, "GB", "EU"),
    "eu-west-3": Spot(48.9, 2.4, "FR", "EU"),
    "il-central-1": Spot(32.1, 34.8, "IL", "AS"),
    "me-central-1": Spot(24.5, 54.4, "AE", "AS"),
    "me-south-1": Spot(26.1, 50.6, "BH", "AS"),
    "sa-east-1": Spot(-23.6, -46.6, "BR", "SA"),
    "us-east-1": Spot(38.9, -77.5, "US", "NA"),
    "us-east-2": Spot(40.0, -83.0, "US", "NA"),
    "us-west-1": Spot(37.4, -121.9, "US", "NA"),
    "us-west-2": Spot(45.6, -121.2, "US", "NA"),
}


def distance(one: str, other: str) -> float:
    """Between two regions, in kilometres on the great circle."""
    here, there = SPOTS.get(one, NOWHERE), SPOTS.get(other, NOWHERE)
    lat1, lat2 = math.radians(here.latitude), math.radians(there.latitude)
    span = math.radians(there.longitude - here.longitude)
    cosine = math.sin(lat1) * math.sin(lat2) + math.cos(lat1) * math.cos(lat2) * math.cos(span)
    return 6371.0 * math.acos(max(-1.0, min(1.0, cosine)))
