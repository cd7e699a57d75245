import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodePalette, readComment } from "./pictures/picture.ts";
import { STORED } from "./stored-pictures.ts";
import type { Taken } from "./take-screens.ts";

// A page shows a stored picture at its full size, under the same name. Its file says which one it was taken with, because halving it
// gives the stored one only about: colors are rounded in both.

const ROOT = join(import.meta.dirname, "../../..");
const IMAGES = join(ROOT, "docs/images");
const IMAGE = /!\[[^\]]*\]\(\S*images\/([\w-]+)\.png\)/g;

/** Returns the names of the pictures that pages show, such as `overview-1440-light`. */
export function findShown(): ReadonlySet<string> {
  const pages = globSync(["*.md", "docs/*.md", "{packages,apps,examples}/*/README.md"], { cwd: ROOT });
  const texts = pages.map((page) => readFileSync(join(ROOT, page), "utf8"));
  return new Set(texts.flatMap((text) => [...text.matchAll(IMAGE)].map(([, name = ""]) => name)));
}

/** Writes the picture of a page, unless the one that is there was taken with the same stored picture. Write that one before. */
export function writeShown({ name, full }: Pick<Taken, "name" | "full">): "kept" | "written" {
  if (isCurrent(name)) return "kept";
  mkdirSync(IMAGES, { recursive: true });
  writeFileSync(toPath(name), encodePalette(full, toComment(name)));
  return "written";
}

/** Removes the pictures that no page shows. */
export function removeUnused(): void {
  for (const name of findUnused()) rmSync(toPath(name));
}

/** Returns what is wrong with the pictures of pages: missing, shown nowhere, or older than what they show. */
export function findOutdated(): readonly string[] {
  const old = [...findShown()].filter((name) => !isCurrent(name));
  return [
    ...findUnused().map((name) => `docs/images/${name}.png is shown nowhere.`),
    ...old.map((name) => `docs/images/${name}.png is not of the stored picture of that name.`),
  ];
}

function findUnused(): readonly string[] {
  const shown = findShown();
  return readdirSync(IMAGES)
    .filter((file) => file.endsWith(".png"))
    .map((file) => file.replace(/\.png$/, ""))
    .filter((name) => !shown.has(name));
}

function isCurrent(name: string): boolean {
  if (!existsSync(toPath(name)) || !existsSync(join(STORED, `${name}.png`))) return false;
  return readComment(readFileSync(toPath(name))) === toComment(name);
}

function toComment(name: string): string {
  const digest = createHash("sha256").update(readFileSync(join(STORED, `${name}.png`)));
  return `With ${name}.png of SHA-256 ${digest.digest("hex")}`;
}

function toPath(name: string): string {
  return join(IMAGES, `${name}.png`);
}
