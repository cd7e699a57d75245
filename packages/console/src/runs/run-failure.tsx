import type { Job } from "@stackyard/sdk/jobs";
import type { ReactNode } from "react";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { MissingNotice } from "../design/page.tsx";
import { RunError } from "../design/run/run-head.tsx";
import { LogExcerpt } from "../log/log-excerpt.tsx";
import { RunChanges } from "./run-changes.tsx";
import { useRunWork } from "./use-run.ts";

interface RunFailureProps {
  readonly job: Job;
  /** Further explanations. */
  readonly children?: ReactNode;
}

/** Renders why a job has failed: the error, the log where it was, and what changed since the last success. */
export function RunFailure({ job, children }: RunFailureProps) {
  const { jobId, error, state } = job;
  const { attempts, load } = useRunWork(jobId);
  if (error === undefined || state !== "failed") return null;
  const last = attempts?.[0];
  return (
    <div className="columns">
      <RunError {...error}>
        {children}
        <MissingNotice query={load} />
        {last?.hasLog === true && (
          <LogExcerpt
            attemptId={last.attemptId}
            load={{
              key: keys.attempt(last.attemptId, "tail"),
              tail: (id, signal) => yard.stacks.attemptLog(id, { signal }),
            }}
          />
        )}
      </RunError>
      <RunChanges job={job} />
    </div>
  );
}
