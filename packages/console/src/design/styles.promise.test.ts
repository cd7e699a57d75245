import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const source = join(import.meta.dirname, "..");
const SMALLEST_PX = 12;
const REM_PX = 16;

const PATHS = readdirSync(source, { recursive: true, encoding: "utf8" });

/** Every declaration of the styles of the console, with its file. Comments are left out. */
const DECLARATIONS = PATHS.filter((path) => path.endsWith(".css")).flatMap((path) => {
  const text = readFileSync(join(source, path), "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "");
  return [...text.matchAll(/([\w-]+):\s*([^;{}]+);/g)].map(([, name = "", value = ""]) => ({ path, name, value }));
});

function listOffences(offends: (name: string, value: string, path: string) => boolean): readonly string[] {
  return DECLARATIONS.filter(({ path, name, value }) => offends(name, value, path)).map(
    ({ path, name, value }) => `${path}: ${name}: ${value}`,
  );
}

/** Returns the size of a text in pixels; undefined where it is a token, or that of the text around it. */
function toPixels(value: string): number | undefined {
  const [, size, unit] = /(?:^|\s)([\d.]+)(px|rem)/.exec(value) ?? [];
  return size === undefined ? undefined : Number(size) * (unit === "rem" ? REM_PX : 1);
}

it("have no text below 12 pixels", () => {
  const isSmall = (name: string, value: string) =>
    (name === "font" || name === "font-size" || name.startsWith("--t-")) &&
    (toPixels(value) ?? SMALLEST_PX) < SMALLEST_PX;

  expect(DECLARATIONS.length).toBeGreaterThan(1_000);
  expect(listOffences(isSmall)).toEqual([]);
});

it("have the colors of the tokens only", () => {
  const hasColor = (_: string, value: string, path: string) =>
    !path.endsWith("tokens.css") && /#[\da-f]{3,8}\b|\b(?:rgb|hsl|oklch)a?\(/i.test(value);

  expect(listOffences(hasColor)).toEqual([]);
});

it("use every token, and no unknown one", () => {
  const code = PATHS.filter((path) => /(?<!\.test)\.tsx?$/.test(path)).map((path) =>
    readFileSync(join(source, path), "utf8"),
  );
  const inCode = new Set(code.flatMap((text) => text.match(/--[a-z][\w-]+/g) ?? []));
  const defined = new Set(DECLARATIONS.filter(({ name }) => name.startsWith("--")).map(({ name }) => name));
  const used = new Set(DECLARATIONS.flatMap(({ value }) => value.match(/--[\w-]+/g) ?? []));

  expect([...used].filter((name) => !defined.has(name) && !inCode.has(name))).toEqual([]);
  expect([...defined].filter((name) => !used.has(name) && !inCode.has(name))).toEqual([]);
});

/** Parts that a page lays out in its own way. */
const SHARED = ["columns", "dialog", "graph", "head-text", "shell", "shell-main", "table", "tabs"];

it("have a class in one style sheet, but for shared parts: pages load their styles in any order, and two parts may meet", () => {
  const sheets = new Map<string, Set<string>>();
  for (const path of PATHS.filter((each) => each.endsWith(".css"))) {
    for (const [, name = ""] of readFileSync(join(source, path), "utf8").matchAll(/^\s*\.([a-z][\w-]*).*[{,]$/gm)) {
      sheets.set(name, (sheets.get(name) ?? new Set()).add(path));
    }
  }

  expect(sheets.size).toBeGreaterThan(200);
  expect([...sheets].flatMap(([name, paths]) => (paths.size > 1 ? [name] : [])).sort()).toEqual(SHARED);
});
