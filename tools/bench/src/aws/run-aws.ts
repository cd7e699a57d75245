import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { publish, type ReportOptions, type Table, toMachineLine } from "../report.ts";
import { type AwsCosts, toCostTable } from "./aws-costs.ts";
import { type BundleFigures, measureBundle, measureImportMs } from "./bundles.ts";
import { measureCosts } from "./counted-yard.ts";

const APPS = ["state-manager", "task-runner"];

/** Measures the built apps' bundles, and counts what 1,000 transitions cost on DynamoDB. */
export async function runAws(options: ReportOptions): Promise<void> {
  const [stacks, states] = options.quick ? [5, 3] : [20, 20];
  const common = { stacks, states };
  const bundles = APPS.filter((app) => existsSync(toFolder(app))).map((app) => ({
    ...measureBundle(app, toFolder(app)),
    importMs: measureImportMs(`${toFolder(app)}/index.mjs`, options.quick ? 1 : 15, { AWS_REGION: "us-east-1" }),
  }));
  const costs: AwsCosts[] = [
    await measureCosts({
      name: `${stacks} stacks at a time, the runner has the store`,
      ...common,
      runnerHasStore: true,
    }),
    await measureCosts({ name: `${stacks} stacks at a time, by message alone`, ...common, runnerHasStore: false }),
  ];
  publish(options, {
    section: "aws",
    command: "--aws",
    machine: toMachineLine(),
    tables: [toBundleTable(bundles), ...costs.map(toCostTable)],
    figures: { bundles, costs },
  });
}

function toFolder(app: string): string {
  return fileURLToPath(new URL(`../../../../apps/${app}/dist/lambda`, import.meta.url));
}

function toBundleTable(bundles: readonly (BundleFigures & { readonly importMs: number })[]): Table {
  const toKiB = (bytes: number) => (bytes / 1_024).toFixed(0);
  return {
    title: "Bundles for Lambda, without the SDK, which the runtime brings; medians of imports in fresh processes",
    head: ["app", "modules", "KiB", "of these imported at start", "KiB zipped", "ms to import"],
    rows: bundles.map(({ app, files, bytes, firstBytes, zippedBytes, importMs }) => {
      return [app, String(files), ...[bytes, firstBytes, zippedBytes].map(toKiB), importMs.toFixed(0)];
    }),
  };
}
