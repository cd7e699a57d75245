import { nameApart } from "@stackyard/core";
import type { Approval } from "@stackyard/sdk";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { isAbsent, yard } from "../../api/client.ts";
import { keys } from "../../api/keys.ts";
import { hasFailed, useLoad } from "../../api/use-load.ts";
import type { PagedList } from "../../api/use-pages.ts";
import { To } from "../links.tsx";
import { MissingNotice } from "../page.tsx";
import { isPlanDigest } from "../release/plan-digest.ts";
import { Listed } from "../table.tsx";
import { Ago, Day, Text } from "../text.tsx";
import { type Figure, formatVersions, toPlanFigures, toReleaseFigures } from "./ask-figures.ts";
import { findPlan } from "./find-plan.ts";
import "./asks.css";

interface AsksProps {
  readonly title: string;
  readonly list: PagedList<Approval>;
  /** Shown in place of an empty list; without it, nothing is. */
  readonly empty?: ReactNode;
  readonly action: (approval: Approval, isFirst: boolean) => ReactNode;
}

/** Renders open approvals with what each would let happen. */
export function Asks({ title, list, empty, action }: AsksProps) {
  if (empty === undefined && list.items?.length === 0) return null;
  return (
    <section className="panel asks" aria-label={title}>
      <h2>{title}</h2>
      <Listed list={list} empty={empty} height={160}>
        {(items) => (
          <ul>
            {items.map((approval, index) => (
              <Ask key={approval.id} approval={approval} action={action(approval, index === 0)} />
            ))}
          </ul>
        )}
      </Listed>
    </section>
  );
}

/** Renders the way to the page where an approval is decided. */
export function ReviewLink({ approval: { stackId, task }, isPrimary = false }: ReviewProps) {
  return (
    <To
      path="/approval"
      search={{ stack: stackId, task }}
      className={isPrimary ? "button primary" : "button"}
      label={`Review ${task} of ${stackId}`}
    >
      Review
    </To>
  );
}

interface ReviewProps {
  readonly approval: Approval;
  readonly isPrimary?: boolean;
}

function Ask({ approval, action }: { approval: Approval; action: ReactNode }) {
  const { stackId, task, machine, state, of } = approval;
  return (
    <li className="ask" data-row={`${stackId} ${task}`}>
      <div>
        <h3>
          <To path="/approval" search={{ stack: stackId, task }}>
            <Text>{`${task} of ${stackId}`}</Text>
          </To>
        </h3>
        {isPlanDigest(of) ? <Versions release={stackId} /> : <Where machine={machine} state={state} />}
        <ApprovalFigures approval={approval} />
      </div>
      <Facts approval={approval} />
      <div className="ask-actions">{action}</div>
    </li>
  );
}

/** Renders in figures what an approval would let happen: what moves, what is destroyed, what it costs. */
export function ApprovalFigures({ approval }: { approval: Approval }) {
  const { stackId, of } = approval;
  return isPlanDigest(of) ? <ReleaseFigures release={stackId} plan={of} /> : <PlanFigures approval={approval} />;
}

function Where({ machine, state }: Pick<Approval, "machine" | "state">) {
  return (
    <p className="muted">
      <Text>{machine}</Text> in <Text>{state}</Text>
    </p>
  );
}

function Facts({ approval: { askedBy, askedAt, given, need, count, from, mine, expiresAt } }: { approval: Approval }) {
  const people = [...(askedBy === undefined ? [] : [askedBy]), ...given.map(({ by }) => by)];
  const approved = given.map(({ by }) => nameApart(by, people)).join(", ");
  return (
    <dl className="ask-facts">
      <dt>Asked by</dt>
      <dd>
        <Text>{askedBy === undefined ? "unknown" : nameApart(askedBy, people)}</Text>, <Ago at={askedAt} />
      </dd>
      <dt>Approved</dt>
      <dd>
        <Text>{approved === "" ? "nobody" : approved}</Text>; {need} of {count} missing
      </dd>
      {mine === false && (
        <>
          <dt>Who may</dt>
          <dd>
            <Text>{from.join(" or ")}</Text>
          </dd>
        </>
      )}
      <dt>Ends</dt>
      <dd>
        <Day at={expiresAt} />
      </dd>
    </dl>
  );
}

function Versions({ release }: { release: string }) {
  const query = useLoad(keys.count("versions", { release }), (request) => yard.deploys.versions(release, request));
  if (query.data === undefined) return <MissingNotice query={query} />;
  const text = formatVersions(query.data);
  return text === "" ? null : (
    <p>
      <Text>{text}</Text>
    </p>
  );
}

/** Stacks of a plan whose losses are added up. */
const READ = 100;

function ReleaseFigures({ release, plan: digest }: { release: string; plan: string }) {
  const plan = useLoad(keys.count("plan", { release, plan: digest }), (request) =>
    yard.deploys.plan(release, digest, request),
  );
  const stacks = useLoad(keys.count("plan-losses", { release, plan: digest }), (request) =>
    yard.deploys.planStacks(release, digest, { limit: READ, ...request }),
  );
  if (hasFailed(plan)) return <Unknown query={plan} />;
  if (hasFailed(stacks)) return <Unknown query={stacks} />;
  if (plan.data === undefined || stacks.data === undefined) return null;
  return <Figures of={toReleaseFigures(plan.data, stacks.data.items, stacks.data.cursor === undefined)} />;
}

/** Lines of the history in which the plan of a task is looked for. */
const LINES = 200;

/** Renders what the plan of Terraform that the approval is about would change; nothing where none was made. */
function PlanFigures({ approval }: { approval: Approval }) {
  const { stackId } = approval;
  const history = useLoad(keys.stack(stackId, "plan-figures", { limit: LINES }), (request) =>
    yard.stacks.history(stackId, { limit: LINES, ...request }),
  );
  if (hasFailed(history)) return <Unknown query={history} />;
  const plan = history.data && findPlan(approval, history.data.items);
  return plan === undefined ? null : <Figures of={toPlanFigures(plan)} />;
}

function Figures({ of }: { of: readonly Figure[] }) {
  return (
    <ul className="ask-figures" aria-label="What it would do">
      {of.map(({ text, tone }) => (
        <li key={text} className={tone === undefined ? "ask-figure" : `ask-figure tone-${tone}`}>
          <Text>{text}</Text>
        </li>
      ))}
    </ul>
  );
}

function Unknown({ query }: { query: UseQueryResult<unknown> }) {
  if (isAbsent(query.error)) return <p className="muted">You may not read what it would do.</p>;
  return <MissingNotice query={query} />;
}
