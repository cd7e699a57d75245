/** A text from a file or a clipboard, as the editor has it. */
export interface OpenedText {
  /** Without the ending of its file. */
  readonly name: string;
  /** The name of its file. */
  readonly file: string;
  /** With line feeds only, unless line ends are mixed. */
  readonly text: string;
  readonly format: TextFormat;
}

/** The parts of a text that the editor does not show but writes back. */
export interface TextFormat {
  readonly bom: boolean;
  readonly crlf: boolean;
}

const ENDINGS = /\.(yaml|yml|json|jsonl)$/i;
const MAX_BYTES = 1_048_576;

/** Returns a text as the editor shows it, and what it does not show. */
export function openText(file: string, raw: string): OpenedText {
  const bom = raw.startsWith("\uFEFF");
  const text = bom ? raw.slice(1) : raw;
  // Line ends that are mixed stay as they are.
  const crlf = text.includes("\r\n") && !/(^|[^\r])\n/.test(text);
  return {
    name: file.replace(ENDINGS, "") || "machine",
    file,
    text: crlf ? text.replaceAll("\r\n", "\n") : text,
    format: { bom, crlf },
  };
}

/** Returns the content of a file for a text. */
export function toFileText(text: string, { bom, crlf }: TextFormat): string {
  return (bom ? "\uFEFF" : "") + (crlf ? text.replaceAll("\n", "\r\n") : text);
}

/**
 * Reads a file that was chosen or dropped.
 *
 * @throws Error with a sentence for the user.
 */
export async function readFile(file: File): Promise<OpenedText> {
  if (!ENDINGS.test(file.name)) {
    throw new Error(`"${file.name}" is not a machine. Drop a file that ends in .yaml, .yml, .json or .jsonl.`);
  }
  if (file.size > MAX_BYTES) throw new Error(`"${file.name}" has more than 1 MiB.`);
  try {
    const raw = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await file.arrayBuffer());
    return openText(file.name, raw);
  } catch {
    throw new Error(`"${file.name}" is not text in UTF-8.`);
  }
}

/** A machine to begin with. */
export const TEMPLATE = `version: 2
description: An environment for each pull request.

events:
  OPENED: {}
  PUSHED: {}
  MERGED: {}

states:
  INIT:
    on: { OPENED: BUILD }

  BUILD:
    tasks: [app]
    timeout: 30m
    on: { NEXT: LIVE, FAILED: BROKEN, MERGED: CLEAN-UP }

  # After three days without a push the environment goes as if it had been merged.
  LIVE:
    after: [{ in: 72h, event: MERGED }]
    on: { PUSHED: BUILD, MERGED: CLEAN-UP }

  BROKEN:
    on: { PUSHED: BUILD, MERGED: CLEAN-UP }

  CLEAN-UP:
    terminal: true
    tasks: [app-off]

tasks:
  app:
    executor: terraform
    config:
      action: apply
      source: { type: local, location: terraform/app }
  app-off:
    executor: terraform
    config:
      action: destroy
      source: { type: local, location: terraform/app }
`;
