import type { Job } from "@stackyard/sdk/jobs";
import type { ReactNode } from "react";
import { usePlaceName } from "../api/use-account-name.ts";
import { RunHead } from "../design/run/run-head.tsx";
import { Ago, MaybeLink, Text } from "../design/text.tsx";
import { formatDuration } from "../text/durations.ts";
import { findJobFacts, type JobFacts } from "./job-facts.ts";
import { useRunWork } from "./use-run.ts";
import "./runs.css";

interface JobHeadProps {
  readonly job: Job;
  /** What it works on, where its heading does not name it. */
  readonly what?: ReactNode;
  /** Where it works; by default the places of its config. */
  readonly where?: ReactNode;
  /** Who requested it, where the starter is not known. */
  readonly by?: string | undefined;
  /** Facts of its kind. */
  readonly more?: Readonly<Record<string, ReactNode>>;
}

/** Renders the facts of a job of any kind: what, where, by whom, since when, with version and links. */
export function JobHead({ job, what, where, by, more = {} }: JobHeadProps) {
  const { startedAt, endedAt } = job;
  const { starter = by } = useRunWork(job.jobId);
  const facts = findJobFacts(job, usePlaceName());
  return (
    <RunHead
      facts={{
        What: what,
        Where: where ?? (facts.where !== "" && <Text>{facts.where}</Text>),
        By: starter !== undefined && <Text>{starter}</Text>,
        Started: (
          <>
            <Ago at={startedAt} />
            {endedAt !== undefined && `, took ${formatDuration(Date.parse(endedAt) - Date.parse(startedAt))}`}
          </>
        ),
        Version: facts.version !== undefined && <Text mono>{facts.version.short}</Text>,
        Links: facts.links.length > 0 && <Links links={facts.links} />,
        ...more,
      }}
    />
  );
}

/** Renders the id of a job beside the heading of its page. */
export function JobId({ id }: { id: string }) {
  return (
    <span className="muted small">
      <Text mono>{id}</Text>
    </span>
  );
}

function Links({ links }: { links: JobFacts["links"] }) {
  return links.map(({ name, href }) => (
    <span key={name} className="run-link">
      <MaybeLink value={href} />
    </span>
  ));
}
