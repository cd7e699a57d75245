import type { BulkRequest, Cause } from "@stackyard/sdk";
import { type ReactNode, useState } from "react";
import { useAnyRefusal } from "../api/access.ts";
import { toFailure, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { BulkDialog } from "../bulk/bulk-dialog.tsx";
import { BulkOfCause } from "../bulk/bulk-of-cause.tsx";
import { Button } from "../design/button.tsx";
import { CauseName, toStacksOfCause } from "../design/causes.tsx";
import { To, useChangeSearch, useSearch } from "../design/links.tsx";
import { Mark, type Status } from "../design/mark.tsx";
import { Empty, Loaded, Panel } from "../design/page.tsx";
import { Ago } from "../design/text.tsx";
import { useToast } from "../design/toasts.tsx";
import { DeadLetters, FailedStacks, ParkedEvents } from "./cause-members.tsx";
import { listLetters, toLetterFilter } from "./dead-letters.ts";

type Kind = Cause["kind"];

interface Look {
  readonly title: string;
  readonly status: Status;
  readonly word: string;
  readonly empty: string;
  readonly members: (cause: Cause) => ReactNode;
}

const LOOKS: Readonly<Record<Kind, Look>> = {
  failed: {
    title: "Failed tasks by cause",
    status: "failed",
    word: "Failed",
    empty: "No task has failed.",
    members: (cause) => <FailedStacks cause={cause} />,
  },
  degraded: {
    title: "Degraded stacks by cause",
    status: "degraded",
    word: "Degraded",
    empty: "No stack is degraded.",
    members: (cause) => <FailedStacks cause={cause} />,
  },
  parked: {
    title: "Parked events by cause",
    status: "parked",
    word: "Parked",
    empty: "No event is parked.",
    members: (cause) => <ParkedEvents cause={cause} />,
  },
  dead: {
    title: "Dead letters by cause",
    status: "dead-letter",
    word: "Dead letters",
    empty: "No event is dead-lettered.",
    members: (cause) => <DeadLetters cause={cause} />,
  },
};

/** Loads the most frequent causes of one kind. */
export function useCauses(kind: Kind) {
  return useLoad(keys.count("causes", { kind }), ({ signal }) => yard.causes({ kind, limit: 100, signal }));
}

/** Renders the causes of one kind, the most frequent first; each opens to its members, as the first one may do at once. */
export function CausePanel({ kind, opensFirst }: { kind: Kind; opensFirst: boolean }) {
  const { title, empty } = LOOKS[kind];
  const causes = useCauses(kind);
  return (
    <Panel title={title}>
      <Loaded query={causes} height={240}>
        {({ items, cursor, incomplete }) => (
          <>
            {items.length === 0 && <Empty>{empty}</Empty>}
            {items.map((cause, index) => (
              <CauseGroup key={toKey(cause)} cause={cause} isFirst={opensFirst && index === 0} />
            ))}
            {(cursor !== undefined || incomplete) && (
              <p className="panel-body muted">There are more causes. Handle these first.</p>
            )}
          </>
        )}
      </Loaded>
    </Panel>
  );
}

function toKey({ kind, task = "", event = "", code = "" }: Cause): string {
  return [kind, event, task, code].join("|");
}

/** In the address: the first cause is closed too. */
const NONE = "none";

/** Renders a cause, and what it is the cause of while it is open, as the first one is unless the address names another. */
function CauseGroup({ cause, isFirst }: { cause: Cause; isFirst: boolean }) {
  const { kind, count, newestAt } = cause;
  const { status, word, members } = LOOKS[kind];
  const key = toKey(cause);
  const { open = isFirst ? key : NONE } = useSearch();
  const isOpen = open === key;
  const changeSearch = useChangeSearch();
  return (
    <div className="inbox-group">
      <div className="inbox-cause" data-row={key}>
        <button
          type="button"
          className="button plain"
          aria-expanded={isOpen}
          onClick={() => changeSearch({ open: isOpen ? NONE : key })}
        >
          <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true" className="inbox-arrow">
            <path d="M3 1l4 4-4 4z" fill="currentColor" />
          </svg>
          <Mark status={status} word={`${word} ${count.toLocaleString("en")}`} />
        </button>
        <div className="inbox-name">
          <CauseName cause={cause} />
          <span className="muted">
            newest <Ago at={newestAt} />
            {kind === "parked" && ", tried again by itself"}
          </span>
        </div>
        <CauseAction cause={cause} />
      </div>
      {isOpen && <div className="inbox-members">{members(cause)}</div>}
    </div>
  );
}

function CauseAction({ cause }: { cause: Cause }) {
  const { kind } = cause;
  return (
    <span className="action-column">
      {kind === "failed" && (
        <To path="/stacks" search={toStacksOfCause(cause)} className="button">
          Stacks
        </To>
      )}
      {(kind === "failed" || kind === "degraded") && <BulkOfCause cause={cause} />}
      {kind === "parked" && <LettersButton cause={cause} operation="withdraw" />}
      {kind === "dead" && (
        <>
          <LettersButton cause={cause} operation="redrive" />
          <LettersButton cause={cause} operation="dismiss" />
        </>
      )}
    </span>
  );
}

const VERBS = { redrive: "Redrive", dismiss: "Dismiss", withdraw: "Withdraw" } as const;

/**
 * Renders an operation on the dead letters or parked events of a cause. A filter without event or code would include those of other causes: those of
 * such a cause are named one by one.
 */
function LettersButton({ cause, operation }: { cause: Cause; operation: keyof typeof VERBS }) {
  const { event, code, count } = cause;
  const filter = toLetterFilter(cause);
  const [request, setRequest] = useState<BulkRequest>();
  const refusal = useAnyRefusal("repair");
  const toast = useToast();
  const verb = VERBS[operation];
  const open = async () => {
    if (event !== undefined && code !== undefined) return setRequest({ operation, filter });
    try {
      setRequest({ operation, filter: { ids: await listLetters(cause) } });
    } catch (error) {
      toast(`${verb}: ${toFailure(error).detail}`, "fail");
    }
  };
  return (
    <>
      <Button refusal={refusal} onPress={open}>
        {verb} {count}…
      </Button>
      {request !== undefined && <BulkDialog request={request} onClose={() => setRequest(undefined)} />}
    </>
  );
}
