import { parseArgs } from "node:util";
import { defined } from "@stackyard/core";
import type { ReportOptions } from "./report.ts";

/** What is to be measured. */
export type BenchArguments =
  | ({
      readonly kind: "embedded" | "aws" | "access" | "console" | "previews" | "starts" | "environments" | "promotion";
    } & ReportOptions)
  | { readonly kind: "profile"; readonly contender: string; readonly quick: boolean }
  | ({ readonly kind: "side-by-side" | "growth" | "engines"; readonly only?: readonly string[] } & ReportOptions);

/** A usage error. */
export interface BenchRefusal {
  readonly refusal: string;
}

export const HELP = `npm run bench -- [--side-by-side | --growth | --engines | --aws | --access | --console | --previews | --starts | --environments | --promotion | --profile ID] [--quick] [--json FILE] [--page FILE] [--only ID,…]

Without one of the first eleven: the embedded stores and a whole yard.

  --side-by-side  against other durable queues, on one Postgres
  --growth        what a job costs them with more and more rows of older work
  --engines       against durable engines that keep what has happened; its page says what they need
  --aws           the apps as functions: bundles, and what 1,000 transitions cost
  --access        what access control costs: requests, audit lines, sealing, lists
  --console       the web console in Chromium, on a processor slowed down four times
  --previews      deliveries of 1,000 open pull requests, reports to them, and Terraform plans
  --starts        the CPU of starts of the command line, beside those of Node; run npm run build before
  --environments  many environments at once, beside xargs with the same Terraform programs; of the built command line
  --promotion     a release over 400 tenants: plan, polls, writes of records; a selection of 10,000
  --profile ID    where the time of one contender goes; its CPU profile lies in bench-profile
  --quick         a tenth of the work, or less: to see that it runs
  --json FILE     the figures of the tables; default bench.json
  --page FILE     writes its section of that page anew; not with --profile
  --only ID,…     side by side, growth, engines: these alone: `;

const OPTIONS = {
  "side-by-side": { type: "boolean", default: false },
  growth: { type: "boolean", default: false },
  engines: { type: "boolean", default: false },
  aws: { type: "boolean", default: false },
  access: { type: "boolean", default: false },
  console: { type: "boolean", default: false },
  previews: { type: "boolean", default: false },
  starts: { type: "boolean", default: false },
  environments: { type: "boolean", default: false },
  promotion: { type: "boolean", default: false },
  profile: { type: "string" },
  quick: { type: "boolean", default: false },
  json: { type: "string", default: "bench.json" },
  page: { type: "string" },
  only: { type: "string" },
  help: { type: "boolean" },
} as const;
const KINDS = [
  "side-by-side",
  "growth",
  "engines",
  "aws",
  "access",
  "console",
  "previews",
  "starts",
  "environments",
  "promotion",
  "profile",
] as const;

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
  const { quick, json, page, profile, only } = values;
  const [kind = "embedded", other] = KINDS.filter((name) => values[name] !== undefined && values[name] !== false);
  if (other !== undefined) return { refusal: `Use only one of --${kind} and --${other}.` };
  const ids = only?.split(",");
  const unknown = [...(ids ?? []), profile ?? []].flat().find((id) => !contenders.includes(id));
  if (unknown !== undefined) return { refusal: `Unknown contender "${unknown}". Known: ${contenders.join(", ")}.` };
  if (profile !== undefined) return { kind: "profile", contender: profile, quick };
  const options = { quick, json, ...defined({ page }) };
  if (kind === "side-by-side" || kind === "growth" || kind === "engines")
    return { kind, ...options, ...defined({ only: ids }) };
  if (ids !== undefined) return { refusal: "--only goes with --side-by-side, --growth or --engines." };
  return { kind: kind === "profile" ? "embedded" : kind, ...options };
}
