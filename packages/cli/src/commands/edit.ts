import { once } from "node:events";
import { stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { defineCommand, defined, optionalInteger, optionalText } from "@stackyard/core";
import { Type } from "typebox";
import type { CommandContext } from "../command.ts";
import { failWith } from "../failure.ts";
import { createProcessLogger } from "../yard/process-logger.ts";

/** `stackyard edit` */
export const edit = defineCommand({
  name: "edit",
  summary: "Edit and simulate one machine in a browser, without a yard.",
  description: [
    "Serves the editor on 127.0.0.1 until Ctrl-C, and prints its address with a code that one browser can use once.",
    "The editor reads and writes FILE and no other file. Without FILE it begins empty and saves by download.",
    "Text and graph are two views of one document: a change in the graph changes only the lines that it must. The simulator plays events, task results and time.",
    "If FILE was changed meanwhile, the editor shows the difference before it overwrites it.",
  ].join("\n"),
  examples: {
    "stackyard edit machines/review-app.yaml": "Edit a machine, or begin a new one in this file.",
    "stackyard edit --json": "Print the address as JSON, for scripts.",
  },
  args: Type.Object({
    file: optionalText("A machine in YAML or JSON; created when it is saved.", { minLength: 1, placeholder: "file" }),
    port: optionalInteger("Default: any free port.", { minimum: 0, maximum: 65_535, placeholder: "number" }),
  }),
  positionals: ["file"],
  async run(context: CommandContext, { file: given, port }) {
    const { out, cwd, signal } = context;
    context.stayAlive?.(createProcessLogger(context));
    const file = given === undefined ? undefined : resolve(cwd, given);
    if (file !== undefined) await requireEditable(file, given ?? file);
    const { createEditServer } = await import("@stackyard/server");
    const server = await createEditServer(defined({ file, port }));
    out.result({ kind: "ready", url: server.url, signInUrl: server.signInUrl, ...defined({ file }) }, () =>
      [
        `${out.paint("bold", "Editor")}  ${out.paint("cyan", server.signInUrl)}`,
        file === undefined ? "file    no file: save by download" : `file    ${file}`,
        "Ctrl-C stops.",
      ].join("\n"),
    );
    if (!signal.aborted) await once(signal, "abort");
    await server.stop();
  },
});

async function requireEditable(file: string, given: string): Promise<void> {
  const hint = "Name a file that ends in .yaml, .yml or .json.";
  if (!/\.(ya?ml|json)$/i.test(file)) throw failWith("USAGE", `"${given}" is not the name of a machine.`, { hint });
  const found = await stat(file).catch(() => undefined);
  if (found !== undefined && !found.isFile()) throw failWith("USAGE", `"${given}" is not a file.`, { hint });
  const folder = await stat(dirname(file)).catch(() => undefined);
  if (folder?.isDirectory() === true) return;
  throw failWith("USAGE", `The folder of "${given}" does not exist.`, { hint: `Create ${dirname(given)} first.` });
}
