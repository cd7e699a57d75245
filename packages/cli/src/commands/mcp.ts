import { Writable } from "node:stream";
import { defineCommand, optionalFlag } from "@stackyard/core";
import { Type } from "typebox";
import type { CommandContext } from "../command.ts";
import { VERSION } from "../own-version.ts";
import { loadConfigFile } from "../project/config.ts";
import { loadMcpPackage } from "../project/mcp-package.ts";
import { openServer, pickTexts, serverArgs } from "../server/connection.ts";
import { takeStandardOutput } from "../standard-output.ts";

/** `stackyard mcp` */
export const mcp = defineCommand({
  name: "mcp",
  summary: "Serve the yard's tools to an AI assistant, over standard input and output.",
  description: [
    "Speaks the Model Context Protocol. An assistant starts it; a person needs it only to see whether it starts. The server of the yard is looked for at the first call.",
    "Without --allow-writes the tools only read. With it, they also send events and retry tasks, with the rights of the token. No tool approves, repairs or reveals secrets, whatever the token may do. Each call is in the audit log with the channel `mcp`.",
  ].join("\n"),
  examples: {
    "stackyard mcp": "Let an assistant read the yard of this project.",
    "stackyard mcp --url https://stackyard.example.org --allow-writes":
      "Let it also send events, with the token of STACKYARD_TOKEN.",
  },
  args: Type.Object({
    allowWrites: optionalFlag("Also offer the tools that send events and retry tasks."),
    ...serverArgs,
  }),
  async run(context: CommandContext, { allowWrites = false, ...given }) {
    const { cwd, stdin, signal } = context;
    // Before the configuration, whose modules may print.
    const output = openProtocol();
    const { projectDir } = await loadConfigFile(cwd, given.project);
    const { serveStdio } = await loadMcpPackage(projectDir);
    const openYard = () => openServer(context, pickTexts(given));
    await serveStdio({ version: VERSION, allowWrites, input: stdin, output, openYard, signal });
  },
});

/** Returns the stream of the protocol. */
function openProtocol(): Writable {
  const output = takeStandardOutput();
  return new Writable({
    write: (chunk: Uint8Array, _encoding, done) => void output.write(chunk, (error) => done(error)),
  });
}
