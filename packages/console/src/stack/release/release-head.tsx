import type { Deploy, StackDetails } from "@stackyard/sdk";
import { yard } from "../../api/client.ts";
import { keys } from "../../api/keys.ts";
import { hasFailed, itemsOf, useLoad } from "../../api/use-load.ts";
import { Pill } from "../../design/mark.tsx";
import { Sentence } from "../../design/sentence.tsx";
import { StackLink } from "../../design/stack-link.tsx";
import { Ago, Text, useNow } from "../../design/text.tsx";
import { Part, When } from "../stack-sentence.tsx";
import { type ReleaseNow, type SentPart, toReleaseParts, toReleaseStatus } from "./release-sentence.ts";

interface HeadingProps {
  readonly stack: StackDetails;
  readonly deploys: readonly Deploy[];
}

/** Renders the heading of a release: its condition, name, state, and since when. */
export function ReleaseHeading({ stack, deploys }: HeadingProps) {
  const { id, state, enteredAt } = stack;
  return (
    <span className="row">
      <Pill {...toReleaseStatus(stack, deploys)} />
      <Text>{id}</Text>
      <span className="stack-facts">
        <span>
          <Text mono>{state}</Text> for <Ago at={enteredAt} plain />
        </span>
      </span>
    </span>
  );
}

/** Renders what the release does and waits for, and until when. */
export function ReleaseSentence(facts: Omit<ReleaseNow, "now">) {
  const parts = toReleaseParts({ ...facts, now: useNow(10_000) });
  if (parts.length === 0) return <Sentence text={facts.stack.summary} />;
  return parts.map((part) =>
    part.kind === "sent" ? (
      <Sent key={`${part.task} ${part.text}`} release={facts.stack.id} part={part} />
    ) : (
      <span key={`${part.kind} ${part.names.join(" ")}`} className="release-part">
        <Part part={part} />
      </span>
    ),
  );
}

function Sent({ release, part: { task, text, failed = 0, next } }: { release: string; part: SentPart }) {
  return (
    <span className="release-part">
      {task !== undefined && (
        <b>
          <Text>{task}</Text>
        </b>
      )}{" "}
      <Text>{text}</Text>
      {task !== undefined && failed > 0 && <Failed release={release} task={task} count={failed} />}.{" "}
      {next !== undefined && (
        <>
          <Text>{next.text}</Text>
          {next.at !== undefined && (
            <>
              : <When at={next.at} />
            </>
          )}
          .{" "}
        </>
      )}
    </span>
  );
}

/** So many failed stacks are named; the list below has all. */
const NAMED = 3;

/** Renders how many stacks have failed, with the names of the first. */
function Failed({ release, task, count }: { release: string; task: string; count: number }) {
  const named = useLoad(keys.stack(release, "deploy", { task, named: count }), (request) =>
    yard.deploys.stacks(release, task, { state: "failed", limit: NAMED, ...request }),
  );
  const names = itemsOf(named);
  return (
    <>
      , <b>{count.toLocaleString("en")} failed</b>
      {hasFailed(named) && <span className="muted">, their names could not be loaded</span>}
      {names.map(({ stackId }, index) => (
        <span key={stackId}>
          {index === 0 ? ": " : ", "}
          <StackLink id={stackId} />
        </span>
      ))}
      {names.length > 0 && count > names.length && ` and ${(count - names.length).toLocaleString("en")} more`}
    </>
  );
}
