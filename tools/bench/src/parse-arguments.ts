import { parseArgs } from "node:util";

/** What is to be measured. */
export type BenchArguments =
  | { readonly kind: "embedded"; readonly quick: boolean; readonly json: string }
  | { readonly kind: "aws" | "fleet"; readonly quick: boolean; readonly json: string; readonly page?: string }
  | {
      readonly kind: "artifacts";
      readonly quick: boolean;
      /** Of the file whose copy's memory is measured. */
      readonly gigabytes: number;
      readonly json: string;
      readonly page?: string;
    }
  | { readonly kind: "profile"; readonly contender: string; readonly quick: boolean }
  | {
      readonly kind: "side-by-side";
      readonly measure: "rates" | "growth";
      readonly quick: boolean;
      readonly json: string;
      readonly page?: string;
      readonly only?: readonly string[];
    };

/** Asked for something that there is not. */
export interface BenchRefusal {
  readonly refusal: string;
}

export const HELP = `npm run bench -- [--side-by-side | --growth | --aws | --fleet | --artifacts | --profile ID] [--quick] [--json FILE] [--page FILE] [--only ID,…]

Without one of the first six: the embedded stores, a whole yard and Terraform.

  --side-by-side  beside other durable queues, on one Postgres
  --growth        what a job costs them with more and more rows of older work
  --aws           the apps as functions: bundles, cold starts, events a second, requests and what they cost
  --fleet         fleets over Run Command: plans, calls, virtual time, kills
  --artifacts     artifacts: plans, messages, copies beside plain ones, memory, publishing
  --artifact-gigabytes N  the file whose copy's memory is measured; default 1, from 1 to 100
  --profile ID    where the time of one contender goes; its CPU profile lies in bench-profile
  --quick         a tenth of the work, or less: to see that it runs
  --json FILE     the figures of the tables; default bench.json
  --page FILE     side by side, growth, aws, fleet and artifacts: writes its section of that page anew
  --only ID,…     side by side and growth: these contenders alone: `;

const OPTIONS = {
  "side-by-side": { type: "boolean", default: false },
  growth: { type: "boolean", default: false },
  aws: { type: "boolean", default: false },
  fleet: { type: "boolean", default: false },
  artifacts: { type: "boolean", default: false },
  "artifact-gigabytes": { type: "string" },
  profile: { type: "string" },
  quick: { type: "boolean", default: false },
  json: { type: "string", default: "bench.json" },
  page: { type: "string" },
  only: { type: "string" },
  help: { type: "boolean" },
} as const;

/** Reads the arguments; `contenders`: ids of those that can be measured side by side. */
export function parseArguments(
  args: readonly string[],
  contenders: readonly string[],
): BenchArguments | BenchRefusal | "help" {
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    return values.help === true ? "help" : toArguments(values, contenders);
  } catch (error) {
    return { refusal: error instanceof Error ? error.message : String(error) };
  }
}

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>["values"];

function toArguments(values: Values, contenders: readonly string[]): BenchArguments | BenchRefusal {
  const refusal = findRefusal(values, contenders);
  if (refusal !== undefined) return { refusal };
  const { quick, json, page, profile, growth, only } = values;
  if (profile !== undefined) return { kind: "profile", contender: profile, quick };
  const [alone] = listAlone(values);
  const measured = { quick, json, ...(page !== undefined && { page }) };
  if (alone === "artifacts") return { kind: alone, gigabytes: Number(values["artifact-gigabytes"] ?? 1), ...measured };
  if (alone !== undefined) return { kind: alone, ...measured };
  if (!isBesides(values)) return { kind: "embedded", quick, json };
  const more = { ...(page !== undefined && { page }), ...(only !== undefined && { only: only.split(",") }) };
  return { kind: "side-by-side", measure: growth ? "growth" : "rates", quick, json, ...more };
}

function findRefusal(values: Values, contenders: readonly string[]): string | undefined {
  const { profile, page, only } = values;
  const named = [profile ?? [], only?.split(",") ?? []].flat();
  const unknown = named.find((id) => !contenders.includes(id));
  if (unknown !== undefined) return `There is no contender "${unknown}". Known: ${contenders.join(", ")}.`;
  const sizeRefusal = findSizeRefusal(values);
  if (sizeRefusal !== undefined) return sizeRefusal;
  const alone = listAlone(values);
  if (alone[0] !== undefined) return findAloneRefusal(alone, values);
  if (isBesides(values)) return profile === undefined ? undefined : "--profile is a measurement of its own.";
  if (page === undefined && only === undefined) return undefined;
  return "--page and --only go with --side-by-side or --growth, --page also with --aws, --fleet and --artifacts.";
}

function findSizeRefusal({ artifacts, "artifact-gigabytes": gigabytes }: Values): string | undefined {
  if (gigabytes === undefined) return undefined;
  if (!artifacts) return "--artifact-gigabytes goes with --artifacts.";
  return /^([1-9]\d?|100)$/.test(gigabytes) ? undefined : "--artifact-gigabytes is a whole number from 1 to 100.";
}

type Alone = "aws" | "fleet" | "artifacts";

function listAlone(values: Pick<Values, Alone>): readonly Alone[] {
  return (["aws", "fleet", "artifacts"] as const).filter((kind) => values[kind]);
}

function findAloneRefusal(alone: readonly Alone[], { profile, only, ...values }: Values): string | undefined {
  const isMixed = profile !== undefined || isBesides(values) || alone.length > 1;
  if (isMixed) return `--${alone[0]} is a measurement of its own.`;
  return only === undefined ? undefined : "--only goes with --side-by-side or --growth.";
}

function isBesides(values: Pick<Values, "side-by-side" | "growth">): boolean {
  return values["side-by-side"] || values.growth;
}
