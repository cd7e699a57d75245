import { countNotAsAsked, isAsAsked } from "@stackyard/core";
import type { Bulk, BulkOperation, BulkPlan, BulkRequest } from "@stackyard/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { type Permission, useAnyRefusal } from "../api/access.ts";
import { toFailure, yard } from "../api/client.ts";
import { newEventId } from "../api/event-id.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { Button } from "../design/button.tsx";
import { ActionDialog, Dialog } from "../design/dialog.tsx";
import { ErrorNotice, Loaded, Skeleton } from "../design/page.tsx";
import { Pairs } from "../design/pairs.tsx";
import { Text } from "../design/text.tsx";
import { useToast } from "../design/toasts.tsx";
import { formatBulkChange } from "./bulk-change.ts";
import "./bulk-dialog.css";
import { StackLink } from "../design/stack-link.tsx";

interface Look {
  readonly verb: string;
  readonly permission: Permission;
  /** The word for its items. */
  readonly items: string;
  readonly danger?: true;
  readonly reason: "required" | "optional";
  /** The effect on each item, for the preview. */
  readonly effect: string;
}

const LOOKS: Readonly<Record<BulkOperation, Look>> = {
  retry: {
    verb: "Retry",
    permission: "operate",
    items: "stacks",
    reason: "optional",
    effect: "Starts a new attempt of each failed task.",
  },
  cancel: {
    verb: "Cancel task",
    permission: "operate",
    items: "stacks",
    danger: true,
    reason: "optional",
    effect: "Asks the running task to stop.",
  },
  send: { verb: "Send", permission: "send", items: "stacks", reason: "optional", effect: "Sends the event." },
  acknowledge: {
    verb: "Acknowledge",
    permission: "operate",
    items: "stacks",
    reason: "optional",
    effect: "Marks the last failure as acknowledged. The stacks stay degraded, and no longer need attention.",
  },
  settle: {
    verb: "Settle",
    permission: "repair",
    items: "stacks",
    danger: true,
    reason: "required",
    effect: "Declares the task done by hand. Nothing runs.",
  },
  remove: {
    verb: "Remove",
    permission: "repair",
    items: "stacks",
    danger: true,
    reason: "required",
    effect: "Removes the records by force. What the stacks have created stays.",
  },
  upgrade: {
    verb: "Upgrade",
    permission: "repair",
    items: "stacks",
    reason: "optional",
    effect: "Moves the stacks to the newest revision of their machine.",
  },
  redrive: {
    verb: "Redrive",
    permission: "repair",
    items: "dead letters",
    reason: "optional",
    effect: "Puts the events back into the queue.",
  },
  dismiss: {
    verb: "Dismiss",
    permission: "repair",
    items: "dead letters",
    danger: true,
    reason: "required",
    effect: "Removes the dead letters. The events are never applied.",
  },
  withdraw: {
    verb: "Withdraw",
    permission: "repair",
    items: "parked events",
    danger: true,
    reason: "required",
    effect: "Ends the parked events. They are never applied.",
  },
};

/**
 * Renders a bulk operation: its dry run, the confirmation, and its progress. It continues when the dialog is closed.
 */
export function BulkDialog({ request, onClose }: { request: BulkRequest; onClose: () => void }) {
  const [started, setStarted] = useState<Bulk>();
  if (started !== undefined) return <BulkProgress started={started} onClose={onClose} />;
  return <BulkStart request={request} onStarted={setStarted} onClose={onClose} />;
}

/** Renders a button that opens the dialog of a bulk operation. */
export function BulkButton({ request, children }: BulkButtonProps) {
  const [open, setOpen] = useState(false);
  const refusal = useAnyRefusal(LOOKS[request.operation].permission);
  return (
    <>
      <Button refusal={refusal} onPress={() => setOpen(true)}>
        {children}
      </Button>
      {open && <BulkDialog request={request} onClose={() => setOpen(false)} />}
    </>
  );
}

interface BulkButtonProps {
  readonly request: BulkRequest;
  readonly children: ReactNode;
}

function BulkStart({ request, onStarted, onClose }: BulkStartProps) {
  const { verb, permission, items, danger, reason, effect } = LOOKS[request.operation];
  const refusal = useAnyRefusal(permission);
  const toast = useToast();
  const client = useQueryClient();
  const [planId] = useState(newEventId);
  const plan = useLoad(
    keys.other("bulk-plan", { planId, request }),
    ({ signal }) => yard.bulk.plan(request, { signal }),
    {
      // The person confirms what was shown: only Retry repeats the dry run, no other change does.
      staleTime: "static",
      gcTime: 0,
    },
  );
  const total = plan.data?.total;
  /** Shows what would be done now in place of a plan that is stale, and says how it differs. */
  const explainStale = async (error: unknown, before: BulkPlan | undefined) => {
    const { code } = toFailure(error);
    if (code !== "PLAN_STALE") return error;
    const { data } = await plan.refetch();
    return Object.assign(new Error(formatBulkChange(before, data)), { code });
  };
  const act = async (text: string | undefined) => {
    if (plan.data === undefined) return;
    const input = text === undefined ? request : { ...request, reason: text };
    const bulk = await yard.bulk.start(input, { plan: plan.data.digest }).catch(async (error: unknown) => {
      throw await explainStale(error, plan.data);
    });
    onStarted(bulk);
    void followToEnd(bulk.id, verb, toast).then(() => client.invalidateQueries());
  };
  return (
    <ActionDialog
      title={total === undefined ? verb : `${verb} ${total} ${items}`}
      verb={total === undefined ? verb : `${verb} ${total}`}
      {...(danger && { danger })}
      reason={reason}
      typed={request.operation === "remove" && total !== undefined ? `remove ${total}` : undefined}
      refusal={refusal ?? toPlanRefusal(plan.data, plan.error, items)}
      act={act}
      // Keeps the dialog for the progress: it is closed there.
      onClose={onClose}
      keepsOpen
    >
      <p>{effect}</p>
      <Scope request={request} />
      {plan.error !== null && <ErrorNotice error={plan.error} onRetry={() => void plan.refetch()} />}
      {plan.data === undefined && plan.error === null && <Skeleton height={84} />}
      {plan.data !== undefined && <OutcomeTable plan={plan.data} />}
    </ActionDialog>
  );
}

interface BulkStartProps {
  readonly request: BulkRequest;
  readonly onStarted: (bulk: Bulk) => void;
  readonly onClose: () => void;
}

function toPlanRefusal(plan: BulkPlan | undefined, error: unknown, items: string): string | undefined {
  if (error !== null) return "The dry run failed";
  if (plan === undefined) return "The dry run is not done yet";
  return plan.total === 0 ? `No ${items} match any more` : undefined;
}

type Announce = (content: ReactNode, tone?: "fail" | "ok" | "warn") => void;

async function followToEnd(bulkId: string, verb: string, toast: Announce): Promise<void> {
  try {
    const bulk = await yard.bulk.wait(bulkId, { pollMs: 1_000 });
    const bad = countNotAsAsked(bulk.counts);
    toast(
      `${verb}: ${bulk.done} of ${bulk.total} done${bad === 0 ? "" : `, ${bad} not applied`}`,
      bad > 0 ? "fail" : "ok",
    );
  } catch (error) {
    toast(`${verb}: ${toFailure(error).detail}`, "fail");
  }
}

/** Renders the selected items: the ids, or the filter. */
function Scope({ request: { filter } }: { request: BulkRequest }) {
  const { ids, ...rest } = filter;
  if (Array.isArray(ids)) {
    return (
      <p className="muted">
        {ids.length} selected: <Text>{ids.slice(0, 5).join(", ")}</Text>
        {ids.length > 5 && " …"}
      </p>
    );
  }
  const parts = Object.entries(rest).map(([name, value]) => `${name} ${formatValue(value)}`);
  return (
    <p className="muted">
      All with <Text>{parts.length === 0 ? "any state" : parts.join(", ")}</Text>
    </p>
  );
}

function formatValue(value: unknown): string {
  if (value === "") return "none";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** The number of items with each outcome. */
export interface OutcomeCounts extends Pick<BulkPlan, "examined" | "total"> {
  readonly outcomes: readonly (Omit<BulkPlan["outcomes"][number], "outcome"> & { readonly outcome: string })[];
}

/** Renders the planned outcomes of items, grouped. */
export function OutcomeTable({ plan: { outcomes, examined, total } }: { plan: OutcomeCounts }) {
  if (total === 0) return null;
  return (
    <>
      <table className="table">
        <caption>What would happen now</caption>
        <thead>
          <tr>
            <th scope="col" className="number">
              Count
            </th>
            <th scope="col">Outcome</th>
            <th scope="col">Examples</th>
          </tr>
        </thead>
        <tbody>
          {outcomes.map(({ outcome, code, count, reason, follows, examples }) => (
            <tr key={`${outcome} ${code} ${reason} ${follows.join(" ")}`}>
              <td className="number">{count}</td>
              <td className="wrap">
                {outcome} {code !== undefined && <Text mono>{code}</Text>}
                {reason !== undefined && (
                  <div className="muted">
                    <Text>{reason}</Text>
                  </div>
                )}
                {follows.map((text) => (
                  <div key={text} className="muted">
                    <Text>{text}</Text>
                  </div>
                ))}
              </td>
              <td className="wrap muted">
                <Text>{examples.join(", ")}</Text>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {examined < total && (
        <p className="muted">
          Looked up for {examined} of {total}.
        </p>
      )}
    </>
  );
}

const POLL_MS = 500;

/** Renders the progress of a bulk operation, the outcomes of its items, and how to stop it. */
export function BulkProgress({ started, onClose }: { started: Bulk; onClose: () => void }) {
  const query = useQuery({
    queryKey: keys.bulk(started.id),
    queryFn: ({ signal }) => yard.bulk.get(started.id, { signal }),
    initialData: started,
    staleTime: 0,
    refetchInterval: ({ state }) => (isOpen(state.data ?? started) ? POLL_MS : false),
  });
  const bulk = query.data;
  return (
    <Dialog title={toProgressTitle(bulk)} onClose={onClose}>
      <section>
        <Progress bulk={bulk} />
        {query.error !== null && <ErrorNotice error={query.error} onRetry={() => void query.refetch()} />}
        <div className="row">
          <CancelBulk bulk={bulk} />
          <Button onPress={onClose} autoFocus>
            Close
          </Button>
        </div>
        {isOpen(bulk) && <p className="muted">It continues when you close this.</p>}
      </section>
    </Dialog>
  );
}

function isOpen({ status }: Bulk): boolean {
  return status === "running" || status === "cancelling";
}

function toProgressTitle({ operation, done, total, status }: Bulk): string {
  const { verb, items } = LOOKS[operation];
  const end = status === "running" ? "" : ` – ${status}`;
  return `${verb}: ${done} of ${total} ${items}${end}`;
}

function Progress({ bulk }: { bulk: Bulk }) {
  const { done, total, counts } = bulk;
  return (
    <>
      <progress value={done} max={Math.max(1, total)} aria-label={`${done} of ${total}`} style={{ width: "100%" }} />
      <Pairs of={counts} />
      {countNotAsAsked(counts) > 0 && <NotApplied bulk={bulk} />}
    </>
  );
}

/** The operations whose items are dead letters or parked events, not stacks. */
const ON_EVENTS: ReadonlySet<BulkOperation> = new Set(["redrive", "dismiss", "withdraw"]);

const SHOWN = 20;

/** Renders the first items that were not applied, with their reasons. */
function NotApplied({ bulk: { id: bulkId, operation, done } }: { bulk: Bulk }) {
  const items = useLoad(
    keys.bulk(bulkId, `items ${done}`),
    ({ signal }) => yard.bulk.items(bulkId, { limit: 1_000, signal }),
    { placeholderData: (before) => before },
  );
  return (
    <Loaded query={items} height={80}>
      {({ items: all }) => (
        <ul className="bulk-items">
          {all
            .filter(({ outcome }) => outcome !== undefined && !isAsAsked(outcome))
            .slice(0, SHOWN)
            .map(({ id, n, outcome, code, reason }) => (
              <li key={n} className="wrap">
                {ON_EVENTS.has(operation) ? <Text mono>{id}</Text> : <StackLink id={id} />} {outcome}{" "}
                <Text mono>{code ?? ""}</Text> <Text>{reason ?? ""}</Text>
              </li>
            ))}
        </ul>
      )}
    </Loaded>
  );
}

function CancelBulk({ bulk }: { bulk: Bulk }) {
  const toast = useToast();
  const client = useQueryClient();
  const refusal = bulk.status === "running" ? undefined : "It does not run";
  const cancel = async () => {
    try {
      client.setQueryData(keys.bulk(bulk.id), await yard.bulk.cancel(bulk.id));
    } catch (error) {
      toast(toFailure(error).detail, "fail");
    }
  };
  return (
    <Button refusal={refusal} onPress={cancel}>
      Stop after the items that are sent
    </Button>
  );
}
