import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { failWith } from "../shell/failure.ts";

/** Reads the steps of a simulation: a JSON array, or one JSON value a line; `-` is standard input. */
export async function readSteps(
  from: string,
  { cwd, stdin }: { readonly cwd: string; readonly stdin: AsyncIterable<Uint8Array | string> },
): Promise<readonly unknown[]> {
  return parseSteps(from === "-" ? await readAll(stdin) : await readText(resolve(cwd, from), from), from);
}

/** Parses the text of steps. Throws `CONFIG_INVALID` that names the line. */
export function parseSteps(text: string, from: string): readonly unknown[] {
  const whole = text.replace(/^\uFEFF/, "").trim();
  if (whole === "") return [];
  if (whole.startsWith("[")) {
    const value = tryParse(whole);
    if (value.kind === "value" && Array.isArray(value.value)) return value.value;
    // Lines may be arrays too, however useless; but who begins so most often means one array.
    if (value.kind === "fault") throw invalid(from, value.message);
  }
  const single = tryParse(whole);
  return single.kind === "value" ? [single.value] : parseLines(text, from);
}

function parseLines(text: string, from: string): readonly unknown[] {
  const steps: unknown[] = [];
  for (const [index, line] of text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .entries()) {
    if (line.trim() === "") continue;
    const parsed = tryParse(line);
    if (parsed.kind === "fault") throw invalid(`${from}:${index + 1}`, parsed.message);
    steps.push(parsed.value);
  }
  return steps;
}

type Parsed =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "fault"; readonly message: string };

function tryParse(text: string): Parsed {
  try {
    return { kind: "value", value: JSON.parse(text) };
  } catch (error) {
    return { kind: "fault", message: error instanceof Error ? error.message : String(error) };
  }
}

function invalid(place: string, why: string): Error {
  return failWith("CONFIG_INVALID", `${place}: the steps are no JSON: ${why}`, {
    hint: "Steps are one JSON array, or one JSON object a line.",
  });
}

async function readText(path: string, given: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw failWith("CONFIG_INVALID", `The steps "${given}" cannot be read.`, {
      cause: error,
      hint: "Give a file that exists, or - for standard input.",
    });
  }
}

async function readAll(stream: AsyncIterable<Uint8Array | string>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}
