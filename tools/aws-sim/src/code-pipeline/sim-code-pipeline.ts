import { randomUUID } from "node:crypto";
import type { Clock } from "@stackyard/core";
import { findText, type SimCall, type SimService, textOf } from "../sim-call.ts";
import { checkFailure, checkSuccess, codePipelineFaults as faults } from "./check-result.ts";
import {
  type ActionStatus,
  type ArtifactInput,
  CONTINUE_MS,
  type JobResult,
  type SimAction,
  type SimJob,
  statusOf,
  toJobEvent,
} from "./sim-job.ts";

/** Pipelines with an artifact store, and Invoke actions whose functions report. */
export interface SimCodePipeline {
  readonly service: SimService;
  addPipeline(input: PipelineInput): void;
  /** A run reaches the Invoke action: gives the first job's id and the event that the function gets. */
  startAction(input: ActionInput): { readonly jobId: string; readonly event: Readonly<Record<string, unknown>> };
  /** The action that a job is of: how it stands, and what was reported in order. */
  findAction(jobId: string): { readonly status: ActionStatus; readonly results: readonly JobResult[] } | undefined;
  /**
   * How the function is invoked next, and from when on; undefined: not any more. A continued action has a new job ("Future jobs
   * use this token", PutJobSuccessResult), which begins when this is called.
   */
  continueAction(
    jobId: string,
  ): { readonly at: number; readonly jobId: string; readonly event: Readonly<Record<string, unknown>> } | undefined;
}

/** A pipeline. */
export interface PipelineInput {
  readonly account: string;
  readonly region: string;
  readonly name: string;
  readonly bucket: string;
}

/** One Invoke action of a run. */
export interface ActionInput {
  readonly account: string;
  readonly region: string;
  readonly pipeline?: string;
  readonly functionName?: string;
  readonly userParameters?: string;
  readonly inputArtifacts?: readonly ArtifactInput[];
}

/** CodePipeline without pipelines. Source: API reference of version 2015-07-09. */
export function createCodePipeline({ clock }: { readonly clock: Clock }): SimCodePipeline {
  const pipelines = new Map<string, PipelineInput>();
  const actions = new Map<string, SimAction>();

  function beginJob(action: SimAction, continuationToken?: string, invokedAt = clock.now()): SimJob {
    const job = { id: randomUUID(), invokedAt, continuationToken };
    action.jobs.push(job);
    actions.set(job.id, action);
    return job;
  }

  return {
    service: {
      operations: {
        GetPipeline: (call) => getPipeline(pipelines, call),
        PutJobSuccessResult: (call) => {
          checkSuccess(call.input);
          const kind = findText(call.input, "continuationToken") === undefined ? "succeeded" : "continued";
          return report(actions, call, kind);
        },
        PutJobFailureResult: (call) => {
          checkFailure(call.input);
          return report(actions, call, "failed");
        },
      },
      toAction: (operation) => `codepipeline:${operation}`,
      faults,
    },
    addPipeline: (input) => void pipelines.set(`${input.account}/${input.region}/${input.name}`, input),
    startAction({ account, region, pipeline = "GARLC", functionName = "fleet", userParameters, inputArtifacts = [] }) {
      const about = { account, region, pipeline, functionName, userParameters, inputArtifacts };
      const action: SimAction = { ...about, startedAt: clock.now(), jobs: [] };
      const job = beginJob(action);
      return { jobId: job.id, event: toJobEvent(action, job) };
    },
    findAction(jobId) {
      const action = actions.get(jobId);
      if (action === undefined) return;
      return { status: statusOf(action, clock.now()), results: action.jobs.flatMap(({ result }) => result ?? []) };
    },
    continueAction(jobId) {
      const action = actions.get(jobId);
      const last = action?.jobs.at(-1);
      const token = last?.result?.kind === "continued" ? last.result.input["continuationToken"] : undefined;
      if (action === undefined || last?.result === undefined || token === undefined) return;
      if (statusOf(action, clock.now()) !== "InProgress") return;
      const at = Math.max(clock.now(), last.result.at + CONTINUE_MS);
      const job = beginJob(action, String(token), at);
      return { at, jobId: job.id, event: toJobEvent(action, job) };
    },
  };
}

function getPipeline(pipelines: ReadonlyMap<string, PipelineInput>, { input, identity, region }: SimCall): unknown {
  const name = textOf(input, "name");
  const found = pipelines.get(`${identity.account}/${region}/${name}`);
  if (found === undefined) throw faults.pipelineMissing(name);
  const artifactStore = { type: "S3", location: found.bucket };
  const roleArn = `arn:aws:iam::${found.account}:role/pipeline`;
  return { pipeline: { name, roleArn, version: 1, artifactStore, stages: [] } };
}

/** A job takes one result while its action runs and no later job has begun. */
function report(actions: ReadonlyMap<string, SimAction>, call: SimCall, kind: JobResult["kind"]): unknown {
  const id = textOf(call.input, "jobId");
  const action = actions.get(id);
  if (action?.account !== call.identity.account || action.region !== call.region) throw faults.jobMissing(id);
  const job = action.jobs.at(-1);
  const status = statusOf(action, call.now);
  if (job?.id !== id || job.result !== undefined || status !== "InProgress") throw faults.jobOver(id, status);
  job.result = { kind, at: call.now, input: call.input };
  return {};
}
