import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { copyInstalled } from "./copy-installed.ts";

const temp = mkdtempSync(join(tmpdir(), "copy installed ğ #"));
afterAll(() => rmSync(temp, { recursive: true }));
const source = join(temp, "node_modules/one");
for (const [path, text] of Object.entries({
  "package.json": '{ "name": "one", "version": "1.2.3" }',
  LICENSE: "MIT",
  "index.js": "export {};",
  "index.js.map": "{}",
  "index.d.ts": "export {};",
  "node_modules/inner/index.js": "",
  "lib/node_modules.js": "",
})) {
  mkdirSync(dirname(join(source, path)), { recursive: true });
  writeFileSync(join(source, path), text);
}

let count = 0;
function copy(changes: Partial<Parameters<typeof copyInstalled>[0]> = {}) {
  const target = join(temp, String(count++));
  copyInstalled({ source, version: "1.2.3", isTyped: false, ...changes }, target);
  return globSync("**", { cwd: target, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(target.length + 1))
    .sort();
}

it("copies a package with its license, without packages in it, maps and types", () => {
  expect(copy()).toEqual(["LICENSE", "index.js", "lib/node_modules.js", "package.json"]);
  expect(copy({ isTyped: true })).toContain("index.d.ts");
});

// Reported: npm/cli#6249, npm/cli#6251 (what is a link is missing from the archive, or outside of the package).
it("copies what links lead to: an archive has none", () => {
  const linked = join(temp, "linked");
  symlinkSync(source, linked);
  writeFileSync(join(temp, "elsewhere.js"), "export const one = 1;");
  symlinkSync(join(temp, "elsewhere.js"), join(source, "link.js"));

  expect(copy({ source: linked })).toEqual(["LICENSE", "index.js", "lib/node_modules.js", "link.js", "package.json"]);
  expect(readFileSync(join(temp, String(count - 1), "link.js"), "utf8")).toBe("export const one = 1;");
  rmSync(join(source, "link.js"));
});

it("refuses another version than the one whose checksum is named as its origin", () => {
  expect(() => copy({ version: "1.2.4" })).toThrow("one is installed as 1.2.3, and locked as 1.2.4. Run npm ci.");
});

it("refuses a package that is not there, such as an optional one of another platform [npm/npm-packlist#149]", () => {
  expect(() => copy({ source: join(temp, "node_modules/other") })).toThrow("other is not installed. Run npm ci.");
});
