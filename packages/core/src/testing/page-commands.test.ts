import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import type { PluginCommand } from "../ports/define-plugin.ts";
import { readPageCommands } from "./page-commands.ts";

const command = (name: string, args: PluginCommand["args"]): PluginCommand => ({
  name,
  summary: "",
  args,
  run: () => 0,
});
const commands = [
  command("fleet run", Type.Object({ parameter: Type.Optional(Type.Array(Type.String())) })),
  command("fleet show", Type.Object({ run: Type.String(), limit: Type.Optional(Type.Integer()) })),
  command("fleet ls", Type.Object({ all: Type.Optional(Type.Boolean()), tagKey: Type.Optional(Type.String()) })),
];

describe("readPageCommands", () => {
  it("reads shell blocks and inline code, in the order of the page", () => {
    const page = `
See \`stackyard fleet ls --all --tag-key Role\`, and \`stackyard other thing\`.

  \`\`\`sh
  npx --no stackyard fleet run --parameter commands="df -h /" \\
    --parameter 'a b'   # here
  cd elsewhere
  \`\`\`

\`stackyard fleet show\` has \`stackyard fleet
show run-1 --limit 3\`.

\`\`\`text
stackyard fleet ls --unknown
\`\`\`
`;

    expect(readPageCommands(page, commands)).toEqual([
      {
        text: "stackyard fleet ls --all --tag-key Role",
        name: "fleet ls",
        args: { all: true, tagKey: "Role" },
      },
      {
        text: `npx --no stackyard fleet run --parameter commands="df -h /" --parameter 'a b'`,
        name: "fleet run",
        args: { parameter: ["commands=df -h /", "a b"] },
      },
      { text: "stackyard fleet show run-1 --limit 3", name: "fleet show", args: { run: "run-1", limit: 3 } },
    ]);
  });

  it.each(["fleet ls --none x", "fleet ls more", "fleet show"])("rejects `stackyard %s` in a block", (line) => {
    expect(() => readPageCommands(`\`\`\`sh\nstackyard ${line}\n\`\`\`\n`, commands)).toThrow();
  });
});
