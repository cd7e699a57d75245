import { createHash } from "node:crypto";
import type { Stack } from "aws-cdk-lib";
import { CfnFunction } from "aws-cdk-lib/aws-lambda";
import { addOutput } from "./template-outputs.ts";

/** A file that a template contains. */
export interface InlineFile {
  /** The name of its output: `CopyCodeSha256`. */
  readonly output: string;
  /** The path where the repository's build writes it. */
  readonly file: string;
  readonly text: string;
}

const LICENSE = "MIT; packages within it as the notices and the bill of materials of the consumer's zip say";

/** Adds a description of each file, and its digest here and in outputs: minified code is hard to read, but a digest is easy to compare. */
export function describeInlineCode(stack: Stack, files: readonly InlineFile[]): void {
  const functions = stack.node.findAll().filter((each) => each instanceof CfnFunction);
  for (const { output, file, text } of files) {
    const sha256 = createHash("sha256").update(text).digest("hex");
    const bytes = Buffer.byteLength(text);
    for (const each of functions.filter(({ code }) => codeOf(code) === text)) {
      each.addMetadata("Stackyard", { File: file, Bytes: bytes, Sha256: sha256, License: LICENSE });
    }
    addOutput(stack, output, { value: sha256, description: `SHA-256 of ${file}, the index.js of its functions.` });
  }
}

function codeOf(code: CfnFunction["code"]): unknown {
  return "zipFile" in code ? code.zipFile : undefined;
}
