import { once } from "node:events";
import { defineCommand, defined } from "@stackyard/core";
import { Type } from "typebox";
import type { CommandContext } from "../command.ts";
import { openServer, serverArgs } from "../server/connection.ts";
import { requestLocalUrl } from "../server/sign-in.ts";

/** `stackyard console` */
export const consoleCommand = defineCommand({
  name: "console",
  summary: "Print the address of a yard's web console.",
  description: [
    "For the server of `stackyard dev`, the address signs a browser in, once within 10 minutes.",
    "A yard on AWS has no server: this command serves the console on this machine, with your AWS credentials, until Ctrl-C.",
  ].join("\n"),
  examples: {
    "stackyard console": "Print the address for the browser, while `stackyard dev` runs.",
    "stackyard console --yard production": "The console of a yard of the configuration.",
  },
  args: Type.Object({ ...serverArgs }),
  async run(context: CommandContext, given) {
    const { out, signal } = context;
    const { url, token, isOwn, close } = await openServer(context, given);
    try {
      const signInUrl = typeof token === "string" ? await requestLocalUrl(url, token) : undefined;
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
