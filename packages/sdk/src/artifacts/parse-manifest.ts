import { Compile } from "typebox/compile";
import { judgeParts } from "./judge-parts.ts";
import { Manifest } from "./manifest.ts";
import { isManifestKey } from "./manifest-key.ts";
import type { ManifestProblem } from "./manifest-problem.ts";

/** A manifest, or all that is wrong with a text (the first 50). */
export type ParsedManifest =
  | { readonly kind: "manifest"; readonly manifest: Manifest }
  | { readonly kind: "invalid"; readonly problems: readonly ManifestProblem[] };

/** The largest text that is read. Larger than a file of 10,000 parts, or a thousand files with the longest keys. */
export const MAX_MANIFEST_BYTES: number = 4 * 1_024 ** 2;

const MAX_PROBLEMS = 50;
const MAX_LABELS = 50;
const LABEL = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$/;
/** It only asks whether anybody listens. */
const RESERVED_NAME = "stackyard.probe";

const compiled = Compile(Manifest);

/**
 * Reads a manifest: its form, its limits, the keys of its files and their parts. Where its files may lie is not known here.
 * Never throws: there is no text that it does not judge.
 */
export function parseManifest(text: string): ParsedManifest {
  if (Buffer.byteLength(text) > MAX_MANIFEST_BYTES) {
    return invalid([{ pointer: "", message: `A manifest has at most ${MAX_MANIFEST_BYTES} bytes.` }]);
  }
  const value = parseJson(text);
  if (value === undefined) return invalid([{ pointer: "", message: "The text is not JSON." }]);
  if (!compiled.Check(value)) return invalid(listFaults(value));
  const problems = listProblems(value);
  return problems.length > 0 ? invalid(problems) : { kind: "manifest", manifest: value };
}

function invalid(problems: readonly ManifestProblem[]): ParsedManifest {
  return { kind: "invalid", problems: problems.slice(0, MAX_PROBLEMS) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function listFaults(value: unknown): readonly ManifestProblem[] {
  const seen = new Map<string, ManifestProblem>();
  for (const { instancePath, message } of compiled.Errors(value)) {
    if (!seen.has(instancePath)) seen.set(instancePath, { pointer: instancePath, message });
  }
  return [...seen.values()];
}

const KEY_RULE =
  'A key has at most 1,024 bytes, no backslash, control character, empty part, "." or "..", also when it is decoded, and does not begin with .stackyard/.';

/** What the form alone does not say. */
function listProblems(manifest: Manifest): readonly ManifestProblem[] {
  return [...judgeHead(manifest), ...judgeKeys(manifest), ...manifest.files.flatMap(judgeFile)];
}

function judgeFile(file: Manifest["files"][number], index: number): readonly ManifestProblem[] {
  return judgeParts(file, `/files/${index}`);
}

function judgeHead({ name, createdAt, labels = {} }: Manifest): readonly ManifestProblem[] {
  const names = Object.keys(labels);
  return [
    ...(name === RESERVED_NAME ? [{ pointer: "/name", message: "The name is reserved." }] : []),
    ...(Number.isNaN(Date.parse(createdAt)) ? [{ pointer: "/createdAt", message: "It is no instant." }] : []),
    ...(names.length > MAX_LABELS ? [{ pointer: "/labels", message: `There are at most ${MAX_LABELS} labels.` }] : []),
    ...(names.every((each) => LABEL.test(each)) ? [] : [{ pointer: "/labels", message: "A label's name is wrong." }]),
  ];
}

function judgeKeys({ files }: Manifest): readonly ManifestProblem[] {
  const seen = new Set<string>();
  return files.flatMap(({ key }, index) => {
    const pointer = `/files/${index}/key`;
    if (!isManifestKey(key)) return [{ pointer, message: KEY_RULE }];
    if (seen.has(key)) return [{ pointer, message: "The key stands in the manifest twice." }];
    seen.add(key);
    return [];
  });
}
