import type { BodyOf, startFreeze } from "@stackyard/core/api/operations";
import type { ApiAnswers } from "@stackyard/server";
import { describe, expectTypeOf, it } from "vitest";
import type {
  ArtifactConsumer,
  ArtifactCoverage,
  Attempt,
  Cause,
  CustomResourceRun,
  DeadLetter,
  ExecutorDetails,
  HistoryEntry,
  ListedParkedEvent,
  MachineDetails,
  MachineGraph,
  MachineSource,
  MachineSummary,
  NewFreeze,
  OperationAnswer,
  ParkedEvent,
  Preview,
  ProblemDetails,
  PublishResult,
  SimulationLine,
  StackAt,
  StackCommits,
  StackDetails,
  StackSnapshot,
  StackSummary,
  StateVersion,
  TerraformState,
  UnsavedRun,
  UpgradePlan,
  UpgradeResult,
  YardInfo,
  YardProcess,
} from "./index.ts";
import type { Job } from "./jobs/index.ts";
import type { ReleasePlace } from "./releases/index.ts";

/** What the client says it gets. */
interface Client {
  ArtifactConsumer: ArtifactConsumer;
  ArtifactCoverage: ArtifactCoverage;
  ReleasePlace: ReleasePlace;
  Attempt: Attempt;
  Cause: Cause;
  CustomResourceRun: CustomResourceRun;
  ExecutorDetails: ExecutorDetails;
  HistoryEntry: HistoryEntry;
  ListedParkedEvent: ListedParkedEvent;
  MachineDetails: MachineDetails;
  MachineGraph: MachineGraph;
  MachineSource: MachineSource;
  MachineSummary: MachineSummary;
  OperationAnswer: OperationAnswer;
  ParkedEvent: ParkedEvent;
  Preview: Preview;
  PublishResult: PublishResult;
  Job: Job;
  DeadLetter: DeadLetter;
  SimulationLine: SimulationLine;
  StackAt: StackAt;
  StackCommits: StackCommits;
  StackDetails: StackDetails;
  StackSnapshot: StackSnapshot;
  StackSummary: StackSummary;
  StateVersion: StateVersion;
  TerraformState: TerraformState;
  UnsavedRun: UnsavedRun;
  UpgradePlan: UpgradePlan;
  UpgradeResult: UpgradeResult;
  YardInfo: YardInfo;
  YardProcess: YardProcess;
}

describe("the client's types", () => {
  it("hold for what the server describes", () => {
    expectTypeOf<Pick<ApiAnswers, keyof Client>>().toExtend<Client>();
  });

  it("leave nothing out of what the server describes", () => {
    expectTypeOf<keyof StackDetails>().toEqualTypeOf<keyof ApiAnswers["StackDetails"]>();
    expectTypeOf<keyof StackSummary>().toEqualTypeOf<keyof ApiAnswers["StackSummary"]>();
    expectTypeOf<keyof Attempt>().toEqualTypeOf<keyof ApiAnswers["Attempt"]>();
    expectTypeOf<keyof HistoryEntry>().toEqualTypeOf<keyof ApiAnswers["HistoryEntry"]>();
    expectTypeOf<keyof MachineDetails>().toEqualTypeOf<keyof ApiAnswers["MachineDetails"]>();
    expectTypeOf<keyof DeadLetter>().toEqualTypeOf<keyof ApiAnswers["DeadLetter"]>();
    expectTypeOf<keyof UpgradePlan>().toEqualTypeOf<keyof ApiAnswers["UpgradePlan"]>();
    expectTypeOf<keyof UpgradeResult>().toEqualTypeOf<keyof ApiAnswers["UpgradeResult"]>();
    expectTypeOf<keyof Job>().toEqualTypeOf<keyof ApiAnswers["Job"]>();
    expectTypeOf<keyof YardProcess>().toEqualTypeOf<keyof ApiAnswers["YardProcess"]>();
    expectTypeOf<ProblemDetails["code"]>().toBeString();
  });

  it("are the bodies of operations, with all their fields", () => {
    expectTypeOf<NewFreeze>().toExtend<BodyOf<typeof startFreeze>>();
    expectTypeOf<BodyOf<typeof startFreeze>>().toExtend<NewFreeze>();
    expectTypeOf<keyof NewFreeze>().toEqualTypeOf<keyof BodyOf<typeof startFreeze>>();
  });
});
