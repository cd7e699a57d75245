import type { StackCommits } from "@stackyard/sdk";
import type { ReactNode } from "react";
import { isAbsent, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { ErrorNotice, Panel } from "../design/page.tsx";
import { Ago, Arrow, OutsideLink, Text } from "../design/text.tsx";

/** Commits that are shown before the reader opens the rest. */
const SHOWN = 20;

/**
 * Renders which commits the approval would bring since the last success. The rest of the page does not wait for it: the code
 * host may be slow, or not answer.
 */
export function CommitsPanel({ stackId, task }: { stackId: string; task: string }) {
  const { data, error, refetch } = useLoad(keys.stack(stackId, "commits", { task }), (request) =>
    yard.stacks.commits(stackId, { task, ...request }),
  );
  if (data === undefined && error !== null && !isAbsent(error)) {
    return (
      <Panel title="Commits">
        <ErrorNotice error={error} onRetry={() => void refetch()} />
      </Panel>
    );
  }
  if (data?.since === undefined || data.before === undefined || data.now === undefined) return null;
  const { since, before, now, compareUrl } = data;
  return (
    <Panel title="Commits" note={<Since since={since} />}>
      <div className="panel-body stack-v">
        <p className="row">
          <span className="wrap">
            <span className="mono">{before.slice(0, 9)}</span> <Arrow /> <span className="mono">{now.slice(0, 9)}</span>
          </span>
          {compareUrl !== undefined && <OutsideLink href={compareUrl} word="Compare" />}
        </p>
        <Dropped commits={data} />
        {data.unknown !== undefined && (
          <p className="muted">
            No list: <Text>{data.unknown}</Text>
          </p>
        )}
      </div>
      <CommitList commits={data} />
    </Panel>
  );
}

function Since({ since: { kind, at } }: { since: NonNullable<StackCommits["since"]> }): ReactNode {
  return (
    <>
      since the last {kind}, <Ago at={at} />
    </>
  );
}

/** Renders what goes: a rollback, or a branch that was rewritten, has fewer commits than what runs. */
function Dropped({ commits: { dropped = 0 } }: { commits: StackCommits }) {
  if (dropped === 0) return null;
  return (
    <p className="tone-warn">
      {dropped === 1 ? "1 commit" : `${dropped.toLocaleString("en")} commits`} of then would go: what is approved does
      not have {dropped === 1 ? "it" : "them"}.
    </p>
  );
}

function CommitList({ commits: { commits = [], isCut = false } }: { commits: StackCommits }) {
  if (commits.length === 0) return null;
  const toRow = (commit: (typeof commits)[number]) => <Commit key={commit.id} commit={commit} />;
  const rest = commits.slice(SHOWN);
  return (
    <>
      <ul className="approval-commits" aria-label="Commits, the oldest first">
        {commits.slice(0, SHOWN).map(toRow)}
      </ul>
      {rest.length > 0 && (
        <details className="approval-more">
          <summary>{rest.length} more</summary>
          <ul className="approval-commits" aria-label="More commits">
            {rest.map(toRow)}
          </ul>
        </details>
      )}
      {isCut && <p className="panel-body muted">There are more at the code host.</p>}
    </>
  );
}

function Commit({
  commit: { id, subject, author, at, url },
}: {
  commit: NonNullable<StackCommits["commits"]>[number];
}) {
  const short = id.slice(0, 9);
  return (
    <li>
      <span className="mono">{url === undefined ? short : <OutsideLink href={url} word={short} />}</span>{" "}
      <Text>{subject}</Text>{" "}
      <span className="muted">
        {author !== undefined && <Text>{author}</Text>}
        {at !== undefined && (
          <>
            {author !== undefined && ", "}
            <Ago at={at} />
          </>
        )}
      </span>
    </li>
  );
}
