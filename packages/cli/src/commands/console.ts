import { once } from "node:events";
import { defineCommand, defined, optionalText } from "@stackyard/core";
import { Type } from "typebox";
import type { CommandContext } from "../command.ts";
import { openServer, serverArgs } from "../server/connection.ts";
import { requestLocalUrl, requireLocalUrl } from "../server/sign-in.ts";
import { findUserName } from "../user-name.ts";
import { createProcessLogger } from "../yard/process-logger.ts";

/** `stackyard console` */
export const consoleCommand = defineCommand({
  name: "console",
  summary: "Print the address of a yard's web console.",
  description: [
    "For the server of `stackyard dev`, the address signs a browser in, once within 10 minutes.",
    "So it does for a server without `access.people`, with a configured token of the role admin: the person has the rights of the token, or less with --role, and histories name both. Codes of one token count as one person in approvals.",
    "A yard on AWS has no server: this command serves the console on this machine, with your AWS credentials, until Ctrl-C.",
  ].join("\n"),
  examples: {
    "stackyard console": "Print the address for the browser, while `stackyard dev` runs.",
    "stackyard console --as ada --role operator": "Let Ada in at a server without an issuer.",
    "stackyard console --yard production": "The console of a yard of the configuration.",
  },
  args: Type.Object({
    as: optionalText("The name of the person who signs in. Default: the user of this machine.", { minLength: 1 }),
    role: Type.Optional(
      Type.Enum(["viewer", "operator", "maintainer", "admin"], {
        description: "Give the person this role instead of the token's rights.",
      }),
    ),
    groups: optionalText("Groups of the person, for approvals. Default: those of the token's grants.", {
      minLength: 1,
      placeholder: "a,b",
    }),
    ...serverArgs,
  }),
  async run(context: CommandContext, { as: name, role, groups, ...given }) {
    const { out, env, signal } = context;
    context.stayAlive?.(createProcessLogger(context));
    const { url, token, isOwn, close } = await openServer(context, given);
    try {
      const person = defined({ name: name ?? findUserName(env), role, groups });
      const isNamed = (name ?? role ?? groups) !== undefined;
      const request = isNamed ? requireLocalUrl : requestLocalUrl;
      const signInUrl = typeof token === "string" ? await request(url, token, person) : undefined;
      out.result({ kind: "console", url, ...defined({ signInUrl }) }, () =>
        [
          `Open ${out.paint("cyan", signInUrl ?? url)}`,
          ...(signInUrl === undefined ? [] : ["It can be used once, within 10 minutes."]),
          ...(isOwn ? ["Ctrl-C stops."] : []),
        ].join("\n"),
      );
      if (isOwn && !signal.aborted) await once(signal, "abort");
      return 0;
    } finally {
      await close();
    }
  },
});
