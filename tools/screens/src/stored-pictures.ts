import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { comparePictures } from "./pictures/compare-pictures.ts";
import { decodePicture, encodePalette, encodeTrueColors } from "./pictures/picture.ts";
import type { Taken } from "./take-screens.ts";

/** Where the pictures of this repository are. */
export const STORED = join(import.meta.dirname, "../pictures");
/** Where pictures of differences are written. Not part of the repository. */
const DIFFERENCES = join(import.meta.dirname, "../temp");

/** Writes a picture in place of the stored one, unless the eye sees no difference: such a file is not changed. */
export function storePicture(folder: string, { name, picture }: Pick<Taken, "name" | "picture">): "kept" | "written" {
  const path = join(folder, `${name}.png`);
  const taken = encodePalette(picture);
  if (existsSync(path) && compareFiles(readFileSync(path), taken) === undefined) return "kept";
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, taken);
  return "written";
}

/** Removes the stored pictures that have another name than these; returns their names. */
export function removeOthers(folder: string, names: ReadonlySet<string>): readonly string[] {
  const others = listNames(folder).filter((name) => !names.has(name));
  for (const name of others) rmSync(join(folder, `${name}.png`));
  return others;
}

/** Returns the names of the stored pictures. */
export function listNames(folder: string): readonly string[] {
  const files = existsSync(folder) ? readdirSync(folder).sort() : [];
  return files.filter((file) => file.endsWith(".png")).map((file) => file.slice(0, -".png".length));
}

/**
 * Compares a picture with the stored one. Returns a sentence on the difference, of which a picture is written: before,
 * difference, after. Undefined: the eye sees none.
 */
export function findDifference(
  { name, picture }: Pick<Taken, "name" | "picture">,
  { folder = STORED, differences = DIFFERENCES }: { readonly folder?: string; readonly differences?: string } = {},
): string | undefined {
  const path = join(folder, `${name}.png`);
  if (!existsSync(path)) return `${name}: no picture is stored.`;
  const difference = compareFiles(readFileSync(path), encodePalette(picture));
  if (difference === undefined) return undefined;
  mkdirSync(differences, { recursive: true });
  const written = join(differences, `${name}.png`);
  writeFileSync(written, encodeTrueColors(difference.picture));
  return `${name}: ${difference.pixels} pixels look different. Before, difference, after: ${written}`;
}

/** Compares two pictures as they are stored: colors are rounded in both. */
export function compareFiles(stored: Uint8Array, taken: Uint8Array) {
  return comparePictures(decodePicture(stored), decodePicture(taken));
}
