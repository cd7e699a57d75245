import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A file that the reader of the tutorial creates. */
export interface TutorialFile {
  readonly path: string;
  readonly content: string;
}

/** Returns the code blocks of docs/plugins.md that name a file: ```ts file=src/delay.ts */
export function readTutorialFiles(): TutorialFile[] {
  const text = readFileSync(join(import.meta.dirname, "../../docs/plugins.md"), "utf8");
  return [...text.matchAll(/^```\w+ file=(\S+)\n([\s\S]*?)^```$/gm)].map(([, path = "", content = ""]) => ({
    path,
    content,
  }));
}
