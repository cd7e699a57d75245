import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { TerraformFailure } from "../run/failure.ts";
import { HclTooLarge } from "./hcl.ts";

/** The size of all files of one run that are parsed here: those of the root module, and its files of variables. */
const MAX_PARSED_BYTES = 4 * 1024 * 1024;

/** Reads files of a configuration that are parsed in this process. Fails with TERRAFORM_SOURCE_REFUSED. */
export interface ParsedFiles {
  read(folder: string, name: string): Promise<string>;
}

/**
 * Creates a reader whose files share a budget: what may be copied may be much more than what the memory of a worker can
 * hold when it is parsed.
 */
export function createParsedFiles(maxBytes = MAX_PARSED_BYTES): ParsedFiles {
  let left = maxBytes;
  return {
    async read(folder, name) {
      const path = join(folder, name);
      left -= (await stat(path)).size;
      if (left >= 0) return readFile(path, "utf8");
      const text = `With "${name}", the files of the root module and of its variables have more than ${maxBytes} bytes. ${MEND}`;
      throw new TerraformFailure("TERRAFORM_SOURCE_REFUSED", text);
    },
  };
}

const MEND = "Move a part of them into a module, or large values into files that the configuration reads.";

/** Parses a file. Fails with TERRAFORM_SOURCE_REFUSED, which names it, when it has too many words and marks. */
export function parseFile<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof HclTooLarge)) throw error;
    throw new TerraformFailure("TERRAFORM_SOURCE_REFUSED", `"${name}" has too many words and marks. ${MEND}`);
  }
}
