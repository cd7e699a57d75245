import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

/** A command of ours with a value in it: the value of a template, or of JSX after the text. */
const COMMAND = /(\w+`)?\bstackyard(?: [a-z][\w-]*)(?: --?[\w-]+| [\w-]+)*(?: --[\w-]+=| )\$?\{/g;

/** Completion scripts for shells name the program, and are not shown. */
const OTHERS: ReadonlySet<string> = new Set(["packages/cli/src/completion-words.ts"]);

/** Returns the commands with values of a source that `toShellCommand` does not make. */
function listUnsafe(text: string): readonly string[] {
  return [...text.matchAll(COMMAND)].filter(([, tag]) => tag !== "toShellCommand`").map(([found]) => found);
}

describe("commands that are shown to be copied", () => {
  it("are made by toShellCommand, so that they hold for names that begin with - or need quotes", () => {
    const files = globSync("{packages,apps}/*/src/**/*.{ts,tsx}", { cwd: ROOT });
    const sources = files.filter((file) => !/\.test(-d)?\.tsx?$|\/testing\//.test(file) && !OTHERS.has(file));

    const found = sources.flatMap((file) =>
      listUnsafe(readFileSync(join(ROOT, file), "utf8")).map((command) => `${file}: ${command}`),
    );

    expect(found).toEqual([]);
  });

  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: they are sources.
  it.each([
    "`Run \\`stackyard stacks show ${id}\\`.`",
    "`stackyard stacks logs ${toShellWord(id)} ${task}`",
    "`npx --no stackyard send ${id} ${name}`",
    "`Stop it: stackyard asg halt --region ${region} ${id}`",
    "<code>stackyard audit verify --head {hash}</code>",
    "html`<code>stackyard fleet retry ${jobId}</code>`",
  ])("are found in %s", (source) => {
    expect(listUnsafe(source)).toHaveLength(1);
  });

  it("are not found where the function makes them", () => {
    expect(listUnsafe("`Run \\`${toShellCommand`stackyard stacks show ${id} ${task}`}\\`.`")).toEqual([]);
  });
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: they are sources.
});
