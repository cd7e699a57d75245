import { parseArgs } from "node:util";

/** The options of the demo. */
export interface DemoOptions {
  /** Keep the control plane running until Ctrl-C, keep the folder, and print how to inspect both. */
  readonly keep: boolean;
  readonly help: boolean;
  /** Additional times for a `kill -9`, in milliseconds after the first event. */
  readonly kills: readonly number[];
}

export const HELP = `npm run demo [-- --keep] [-- --kill-after 2500,9000]

  --keep         keep the control plane running for a look at the console until Ctrl-C, and keep the folder
  --kill-after   further moments of a kill -9, in milliseconds after the control plane has started`;

/** Parses the arguments. Throws if they are invalid. */
export function parseOptions(words: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...words],
    options: { keep: { type: "boolean" }, help: { type: "boolean" }, "kill-after": { type: "string" } },
  });
  const kills = values["kill-after"] ?? "";
  const moments = kills.split(",").filter((text) => text.trim() !== "");
  if (moments.some((text) => !/^\s*\d{1,6}\s*$/.test(text))) {
    throw new Error(`"${kills}" must be milliseconds, such as 2500,9000.`);
  }
  return { keep: values.keep ?? false, help: values.help ?? false, kills: moments.map(Number) };
}
