import type { Attempt } from "@stackyard/sdk";
import { isAbsent, yard } from "../../api/client.ts";
import { keys } from "../../api/keys.ts";
import { toAttemptStatus } from "../../api/status.ts";
import { useLoad } from "../../api/use-load.ts";
import { useSearch } from "../../design/links.tsx";
import { Pill } from "../../design/mark.tsx";
import { Absent, Empty, Loaded, Page } from "../../design/page.tsx";
import { Ago, Text } from "../../design/text.tsx";
import { LogView } from "../../log/log-view.tsx";
import { useLogReader } from "../../log/use-log-reader.ts";
import { dropColors } from "../../text/ansi.ts";
import "../stack.css";
import { StackLink } from "../../design/stack-link.tsx";

/** Renders the log of one attempt. */
export function LogPage() {
  const { attempt = "" } = useSearch();
  const query = useLoad(keys.attempt(attempt), (request) => yard.attempts.get(attempt, request), {
    enabled: attempt !== "",
  });
  // Its text is requested together with the attempt, not after it.
  const reader = useLogReader(attempt);
  if (attempt === "") {
    return (
      <Page title="Log">
        <Empty command="stackyard stacks logs STACK TASK">
          The address names no attempt. Open a log from its stack.
        </Empty>
      </Page>
    );
  }
  return (
    <Page
      title={query.data === undefined ? "Log" : `Log of ${query.data.task}, ${query.data.stackId}`}
      heading={query.data === undefined ? "Log" : <Heading attempt={query.data} />}
    >
      {isAbsent(query.error) ? (
        <Absent path="/stacks" word="All stacks" />
      ) : (
        <Loaded query={query} height={400}>
          {(data) => <LogView key={attempt} attemptId={attempt} reader={reader} live={data.status !== "settled"} />}
        </Loaded>
      )}
    </Page>
  );
}

function Heading({ attempt }: { attempt: Attempt }) {
  const { stackId, task, executor, dispatchedAt, progressMessage, status } = attempt;
  return (
    <span className="row">
      <Pill status={toAttemptStatus(attempt)} />
      <span>
        <Text>{task}</Text> of <StackLink id={stackId} />
      </span>
      <span className="stack-facts">
        <span>attempt {attempt.attempt}</span>
        {executor !== undefined && <Text>{executor}</Text>}
        <span>
          sent <Ago at={dispatchedAt} />
        </span>
        {status !== "settled" && progressMessage !== undefined && <Text>{dropColors(progressMessage)}</Text>}
      </span>
    </span>
  );
}
