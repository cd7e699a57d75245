import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { type AwsSim, createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import {
  type CommandResult,
  createFakeClock,
  type FakeClock,
  type RunCommandOptions,
  runCommand,
} from "@stackyard/core/testing";
import type { CallDistributor, CoverageCell, CoverageRow, DistributorRequest } from "@stackyard/sdk/artifacts";
import type { ArtifactCommandDeps, AwsPlace, DistributorPlace } from "../commands/artifact-command.ts";
import { createArtifactCommands } from "../commands/artifact-commands.ts";

/** A folder, S3, a distributor that answers as configured, and the commands. */
export interface CommandWorld {
  readonly cwd: string;
  readonly sim: AwsSim;
  readonly clock: FakeClock;
  /** The requests to the distributor. */
  readonly asked: DistributorRequest[];
  /** Its answers by request; an error is thrown. */
  readonly answers: Partial<Record<DistributorRequest["op"], (request: DistributorRequest) => unknown>>;
  /** Which distributors and clients were opened. */
  readonly opened: { readonly distributors: Omit<DistributorPlace, "signal">[]; readonly aws: AwsPlace[] };
  write(name: string, content: string): void;
  run(name: string, args?: object, options?: RunCommandOptions): Promise<CommandResult>;
  remove(): void;
}

const ENVIRONMENT = { STACKYARD_DISTRIBUTOR: "distributor", STACKYARD_ARTIFACTS_BUCKET: "source" };

/** Makes one, with the distributor's bucket and one of a consumer. */
export function createCommandWorld(deps: Partial<ArtifactCommandDeps> = {}): CommandWorld {
  const cwd = mkdtempSync(join(tmpdir(), "artifacts-"));
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const credentials = sim.iam.addUser({ account: "111122223333", name: "pipeline" });
  sim.s3.createBucket({ name: "source", account: "111122223333", region: "eu-west-1", versioned: true });
  sim.s3.createBucket({ name: "target", account: "222233334444", region: "eu-west-1", sharedWith: ["111122223333"] });
  const [asked, answers]: [DistributorRequest[], CommandWorld["answers"]] = [[], {}];
  const opened: CommandWorld["opened"] = { distributors: [], aws: [] };
  const call = async (request: DistributorRequest) => {
    asked.push(request);
    return answers[request.op]?.(request);
  };
  const commands = createArtifactCommands({
    clock,
    columns: () => undefined,
    async openAws(place) {
      opened.aws.push(place);
      const [s3, lambda] = [S3Client, LambdaClient].map(
        (type) => new type({ region: "eu-west-1", credentials, maxAttempts: 1 }),
      );
      s3?.middlewareStack.use(createSimPlugin(sim) as never);
      return { s3, lambda } as Awaited<ReturnType<ArtifactCommandDeps["openAws"]>>;
    },
    async openDistributor({ signal: _signal, ...place }) {
      opened.distributors.push(place);
      return call as unknown as CallDistributor;
    },
    ...deps,
  });
  return {
    cwd,
    sim,
    clock,
    asked,
    answers,
    opened,
    write(name, content) {
      mkdirSync(dirname(join(cwd, name)), { recursive: true });
      writeFileSync(join(cwd, name), content);
    },
    run: (name, args, options) =>
      runCommand(commands, name, args, { cwd, environment: ENVIRONMENT, server: { url: "" }, ...options }),
    remove: () => rmSync(cwd, { recursive: true }),
  };
}

/** Returns the state of a version at a consumer: it is stored. */
export function aCell(over: Partial<CoverageCell> = {}): CoverageCell {
  return {
    account: "222233334444",
    region: "eu-west-1",
    status: "stored",
    code: null,
    files: 1,
    filesDone: 1,
    announcements: 1,
    verified: true,
    at: "2026-01-01T00:00:00.000Z",
    ...over,
  };
}

/** Returns a version; it is covered if its cells say so. */
export function aRow(cells: readonly CoverageCell[] = [aCell()], over: Partial<CoverageRow> = {}): CoverageRow {
  const covered = cells.length > 0 && cells.every(({ status }) => status === "stored" || status === "present");
  return {
    name: "billing-api",
    version: "1.4.2",
    manifestSha256: "0".repeat(64),
    publishedAt: "2026-01-01T00:00:00.000Z",
    covered,
    retired: false,
    cells,
    ...over,
  };
}
