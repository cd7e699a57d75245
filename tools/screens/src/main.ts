import { parseArgs } from "node:util";
import { findPackagedChromium } from "@stackyard/browser";
import { findShown, removeUnused, writeShown } from "./docs-pictures.ts";
import { SCREENS } from "./screens.ts";
import { findDifference, listNames, removeOthers, STORED, storePicture } from "./stored-pictures.ts";
import { takeScreens } from "./take-screens.ts";

const HELP = `npm run screenshots [-- --write] [-- --only NAME] [-- --list]

Takes every screen of the console, light, wide and some as on a phone, and compares it with the stored pictures (tools/screens/pictures).

  --write   store the pictures that have changed, also those of the pages in docs/images: a change of looks is a decision
  --docs    take only the screens that pages show, and write their pictures
  --only    only screens whose name contains this text; may be repeated
  --list    print the names of all screens

It exits with 0 when no screen has changed, and with 1 when one has. One core takes about two minutes for all.
`;

const OPTIONS = {
  write: { type: "boolean" },
  docs: { type: "boolean" },
  only: { type: "string", multiple: true },
  list: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

process.exitCode = await main(process.argv.slice(2));

/** Returns 0: no screen has changed. 1: one has. 64: usage error. */
async function main(words: readonly string[]): Promise<number> {
  const options = parseOptions(words);
  if (typeof options === "string") {
    process.stderr.write(`${options}\n\n${HELP}`);
    return 64;
  }
  const { only, docs = false, write = docs, list = false, help = false } = options;
  const shown = [...findShown()];
  const screens = SCREENS.filter(({ name }) =>
    docs
      ? shown.some((each) => each.replace(/-\d+-(light|dark)$/, "") === name)
      : (only?.some((part) => name.includes(part)) ?? true),
  );
  if (help) process.stdout.write(HELP);
  else if (list) process.stdout.write(SCREENS.map(({ name, path }) => `${name}  ${path}\n`).join(""));
  else return run({ screens, write, isWhole: only === undefined && !docs, shown: new Set(shown) });
  return 0;
}

function parseOptions(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: OPTIONS }).values;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

interface RunInput {
  readonly screens: typeof SCREENS;
  readonly write: boolean;
  readonly isWhole: boolean;
  readonly shown: ReadonlySet<string>;
}

async function run({ screens, write, isWhole, shown }: RunInput): Promise<number> {
  if (findPackagedChromium() === undefined || process.env["STACKYARD_CHROMIUM"]) {
    process.stderr.write("Note: another browser than the packaged Chromium draws letters in another way.\n");
  }
  const names = new Set<string>();
  let changed = 0;
  await takeScreens({
    screens,
    onTaken(taken) {
      names.add(taken.name);
      const said = write ? describe(storePicture(STORED, taken), taken.name) : findDifference(taken);
      if (write && shown.has(taken.name) && writeShown(taken) === "written")
        process.stdout.write(`docs/images/${taken.name}.png: written\n`);
      if (said === undefined) return;
      changed += 1;
      process.stdout.write(`${said}\n`);
    },
  });
  if (write) removeUnused();
  const others = !isWhole
    ? []
    : write
      ? removeOthers(STORED, names)
      : listNames(STORED).filter((name) => !names.has(name));
  for (const name of others) process.stdout.write(`${name}: ${write ? "removed" : "stored, but no screen"}\n`);
  const count = changed + others.length;
  process.stdout.write(`${names.size} pictures, ${count} ${write ? "written or removed" : "changed"}.\n`);
  if (count === 0 || write) return 0;
  process.stdout.write("If this is wanted: npm run screenshots -- --write\n");
  return 1;
}

function describe(what: "kept" | "written", name: string): string | undefined {
  return what === "kept" ? undefined : `${name}: written`;
}
