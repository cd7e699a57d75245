import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { isMap, parseJson } from "@stackyard/core";
import { toBlocks } from "../source/hcl.ts";
import type { ModuleFile } from "../source/module-facts.ts";
import { createParsedFiles, parseFile } from "../source/parsed-files.ts";

/**
 * Returns `type.name` of the resources with `ignore_changes` in all files below a folder, downloaded modules too. A name
 * may be that of resources in several modules. One file is in memory at a time. Fails with TERRAFORM_SOURCE_REFUSED.
 */
export async function loadIgnoring(folder: string): Promise<ReadonlySet<string>> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const names = new Set<string>();
  for (const entry of entries) {
    if (!entry.isFile() || !/\.(tf|tofu)(\.json)?$/.test(entry.name)) continue;
    const text = await createParsedFiles().read(entry.parentPath, entry.name);
    const name = relative(folder, join(entry.parentPath, entry.name));
    for (const found of parseFile(name, () => findIgnoring({ name, text }))) names.add(found);
  }
  return names;
}

/** Returns `type.name` of the resources with `ignore_changes` in a file. */
export function findIgnoring({ name, text }: ModuleFile): readonly string[] {
  if (!text.includes("ignore_changes")) return [];
  return name.endsWith(".json") ? findInJson(parseJson(text)) : findInHcl(text);
}

function findInHcl(text: string): readonly string[] {
  const resources = toBlocks(text).blocks.filter(({ type }) => type === "resource");
  const ignoring = resources.filter(({ blocks }) =>
    blocks.some(({ type, attributes }) => type === "lifecycle" && attributes.has("ignore_changes")),
  );
  return ignoring.map(({ labels }) => labels.join("."));
}

function findInJson(file: unknown): readonly string[] {
  return toMaps(file)
    .flatMap((root) => toMaps(root["resource"]))
    .flatMap(Object.entries<unknown>)
    .flatMap(([type, bodies]) => toMaps(bodies).flatMap((named) => Object.entries(named).map(toNamed(type))))
    .filter(({ body }) =>
      toMaps(body).some((each) => toMaps(each["lifecycle"]).some((cycle) => "ignore_changes" in cycle)),
    )
    .map(({ name }) => name);
}

function toNamed(type: string) {
  return ([name, body]: readonly [string, unknown]) => ({ name: `${type}.${name}`, body });
}

function toMaps(value: unknown): Readonly<Record<string, unknown>>[] {
  return (Array.isArray(value) ? value : [value]).filter(isMap);
}
