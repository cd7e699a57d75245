import { defined, type PlanCost, parseJson } from "@stackyard/core";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { runTool, type ToolLimits } from "../run/external-tool.ts";
import type { StagedRun } from "../run/staged-run.ts";
import { type ResourceChange, toPlanJson } from "./plan-document.ts";

/** The used parts of what `infracost breakdown --format json` prints. */
const Breakdown = Type.Object({
  currency: Type.String(),
  totalMonthlyCost: Type.Union([Type.String({ pattern: "^\\d+(\\.\\d+)?$" }), Type.Null()]),
  summary: Type.Object({ totalUnsupportedResources: Type.Integer({ minimum: 0 }) }),
});

/** An estimate of Infracost, or why it is missing. */
export type InfracostEstimate =
  | { readonly kind: "estimated"; readonly cost: PlanCost }
  | { readonly kind: "none"; readonly reason: string };

/** Variables of the runner that Infracost needs to reach its prices. */
const NAMES = [
  ...["INFRACOST_API_KEY", "INFRACOST_PRICING_API_ENDPOINT", "SSL_CERT_FILE", "SSL_CERT_DIR"],
  ...["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"],
];

/** Uploads only what prices are needed for. */
const FIXED = { INFRACOST_ENABLE_CLOUD: "false", INFRACOST_SKIP_UPDATE_CHECK: "true", INFRACOST_CURRENCY: "USD" };

/** Estimates with Infracost the costs after the masked plan. Logs why the estimate is missing. */
export async function estimateWithInfracost(
  run: StagedRun,
  changes: readonly ResourceChange[],
  limits?: ToolLimits,
): Promise<InfracostEstimate> {
  const runner = run.settings.environment;
  if (!runner["INFRACOST_API_KEY"]) return toNone(run, "INFRACOST_API_KEY is not set");
  const end = await runTool(run, {
    name: "infracost",
    arguments: ["breakdown", "--format", "json", "--no-color", "--log-level", "error", "--path"],
    variables: NAMES,
    environment: FIXED,
    input: toPlanJson(changes, run.environment["AWS_REGION"]),
    ...defined({ limits }),
  });
  if (end.kind === "unusable") return toNone(run, end.reason);
  if (end.code !== 0) return toNone(run, `infracost ended with exit code ${end.code}`, end.errors);
  const cost = readCost(end.output);
  return typeof cost === "string" ? toNone(run, cost, end.errors) : { kind: "estimated", cost };
}

function toNone({ ctx }: StagedRun, reason: string, errors = ""): InfracostEstimate {
  ctx.report(`No estimate of Infracost: ${[reason, errors].filter(Boolean).join(": ")}.`);
  return { kind: "none", reason };
}

/** Returns the estimate, or its fault. */
function readCost(output: string): PlanCost | string {
  const breakdown = parseJson(output);
  if (!Value.Check(Breakdown, breakdown)) return "the output of infracost cannot be read";
  const { currency, totalMonthlyCost, summary } = breakdown;
  if (currency !== "USD") return "infracost did not estimate in USD";
  const monthly = Math.round(Number(totalMonthlyCost ?? 0) * 100) / 100;
  return { monthly, currency: "USD", unpriced: summary.totalUnsupportedResources, source: "infracost" };
}
