import { readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { PricingClient } from "@aws-sdk/client-pricing";
import { createAwsAccess } from "@stackyard/aws";
import {
  defineCommand,
  mapLimited,
  optionalFlag,
  optionalText,
  type PluginCommand,
  type PluginCommandContext,
  StackyardError,
} from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { formatTable } from "@stackyard/sdk/commands";
import { Type } from "typebox";
import { type FoundPrice, findPrice } from "./find-price.ts";
import { parsePriceFile, type RefreshedConstant } from "./price-file.ts";

/** The API has endpoints in us-east-1, eu-central-1 and ap-south-1 only; each has the prices of all regions. */
const REGION = "us-east-1";
const LANES = 4;

/** Dependencies that tests replace. */
export interface PricesRefreshDeps {
  readonly client: () => Pick<PricingClient, "send">;
  readonly now: () => number;
}

const DEPS: PricesRefreshDeps = {
  client: () =>
    createAwsAccess({
      clock: systemClock,
      retriesDenials: false,
      session: { name: "stackyard-prices" },
      region: REGION,
    }).client(PricingClient, undefined),
  now: () => systemClock.now(),
};

/** Creates `stackyard previews prices refresh`. */
export function createPricesRefresh({ client, now }: PricesRefreshDeps = DEPS): PluginCommand {
  return defineCommand({
    name: "previews prices refresh",
    summary: "Look up the constants of prices.yaml that name a service and filters in the Price List of AWS.",
    description: [
      "Changes only their usd, and asOf; all other bytes of the file stay as they are.",
      "Writes nothing unless there is exactly one price for each of them. Needs pricing:GetProducts.",
    ].join("\n"),
    examples: {
      "stackyard previews prices refresh --dry-run": "Show what has become cheaper or dearer.",
    },
    args: Type.Object({
      file: optionalText("The document of prices. Default: prices.yaml.", { minLength: 1 }),
      dryRun: optionalFlag("Show what would change, and write nothing."),
    }),
    async run({ out, projectDir, cwd, signal }: PluginCommandContext, { file: given, dryRun = false }) {
      const file = given === undefined ? resolve(projectDir, "prices.yaml") : resolve(cwd, given);
      const text = await readFile(file, "utf8").catch((cause: unknown) => {
        throw new StackyardError("CONFIG_INVALID", `${file} cannot be read.`, { cause });
      });
      const document = parsePriceFile(file, text);
      const pricing = client();
      const rows = await mapLimited(document.constants, LANES, async (constant) =>
        toRow(constant, await findPrice(pricing, constant, signal)),
      );
      const isComplete = rows.every(({ fault }) => fault === undefined);
      const written = isComplete && !dryRun && rows.length > 0;
      const asOf = new Date(now()).toISOString().slice(0, 10);
      if (written) {
        const changed = rows.filter(({ usd, before }) => usd !== before);
        await replaceFile(file, document.update(new Map(changed.map((row) => [row.name, row.text])), asOf));
      }
      if (rows.length === 0) out.note("No constant of the document names a service and filters.");
      const constants = rows.map(({ text: _, ...row }) => row);
      out.result({ file, written, asOf, constants }, () => formatTable([HEAD, ...rows.map(toCells)]));
      if (!isComplete) out.note("Nothing was written.");
      return isComplete ? 0 : 1;
    },
  });
}

/** Moves a new file to the place of the old one: runners never read a part of it, which would be a whole document. */
async function replaceFile(path: string, text: string): Promise<void> {
  const place = await realpath(path);
  const draft = `${place}.${process.pid}.tmp`;
  try {
    await writeFile(draft, text, { flag: "wx", mode: (await stat(place)).mode });
    await rename(draft, place);
  } catch (cause) {
    await rm(draft, { force: true });
    throw new StackyardError("CONFIG_INVALID", `${path} cannot be written. It is unchanged.`, { cause });
  }
}

const HEAD = ["CONSTANT", "BEFORE", "NOW", ""];

interface Row {
  readonly name: string;
  readonly before: number;
  readonly usd?: number;
  readonly text: string;
  readonly fault?: string;
}

function toRow({ name, usd: before }: RefreshedConstant, found: FoundPrice): Row {
  if (found.kind === "fault") return { name, before, text: "", fault: found.reason };
  return { name, before, usd: Number(found.usd), text: found.usd };
}

function toCells({ name, before, text, usd, fault }: Row): readonly string[] {
  return [name, String(before), text || "–", fault ?? (usd === before ? "" : "changed")];
}
