import type { BulkOperation } from "@stackyard/sdk";
import { useState } from "react";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { Dialog, DialogButtons } from "../design/dialog.tsx";
import { Form, Offers, TextField } from "../design/fields.tsx";

/** The bulk operations on stacks. */
export type StackOperation = Exclude<BulkOperation, "redrive" | "dismiss" | "withdraw">;

type Body = Readonly<Record<string, unknown>>;

interface BulkInputProps {
  readonly operation: StackOperation;
  /** Whose events and tasks are offered. */
  readonly machine?: string | undefined;
  /** Offered instead: the events that the state of the stacks handles, the first one as the answer. */
  readonly events?: readonly string[];
  readonly onInput: (body: Body) => void;
  readonly onClose: () => void;
}

/** Asks for the event or the task of a bulk, before its dry run. */
export function BulkInput({ operation, machine, events, onInput, onClose }: BulkInputProps) {
  const [name, setName] = useState(events?.[0] ?? "");
  const [metadata, setMetadata] = useState("");
  const isSend = operation === "send";
  const values = parseObject(metadata);
  const refusal =
    name.trim() === ""
      ? `Enter the ${isSend ? "event" : "task"} first`
      : values === undefined
        ? "The metadata is not a JSON object"
        : undefined;
  const names = useNames(machine, isSend);
  const offers = events ?? names;
  const submit = () => {
    if (refusal !== undefined || values === undefined) return;
    if (!isSend) onInput({ task: name.trim() });
    else onInput({ event: name.trim(), ...(Object.keys(values).length > 0 && { metadata: values }) });
  };
  return (
    <Dialog
      title={isSend ? "Send an event" : operation === "cancel" ? "Cancel a task" : "Settle a task"}
      onClose={onClose}
    >
      <Form onSubmit={submit}>
        <TextField title={isSend ? "Event" : "Task"} value={name} autoFocus list="bulk-names" onChange={setName} />
        <Offers id="bulk-names" names={offers} />
        {isSend && (
          <label className="field">
            Metadata, as a JSON object (optional)
            <textarea value={metadata} spellCheck={false} onChange={({ target }) => setMetadata(target.value)} />
          </label>
        )}
        <DialogButtons verb="Dry run" refusal={refusal} onClose={onClose} />
      </Form>
    </Dialog>
  );
}

/** Returns events or tasks of the machine in the filter; none without one. */
function useNames(machine = "", ofEvents: boolean): readonly string[] {
  const { data } = useLoad(keys.machine(machine, "graph"), (request) => yard.machines.graph(machine, request), {
    enabled: machine !== "",
  });
  if (data === undefined) return [];
  return ofEvents ? listEvents(data.edges) : listTasks(data.nodes);
}

function listEvents(edges: readonly { readonly event?: string }[]): readonly string[] {
  return [...new Set(edges.flatMap(({ event }) => (event === undefined ? [] : [event])))].sort();
}

function listTasks(nodes: readonly { readonly tasks?: readonly unknown[] }[]): readonly string[] {
  const names = nodes.flatMap(({ tasks = [] }) => tasks.flatMap((task) => (typeof task === "string" ? [task] : [])));
  return [...new Set(names)].sort();
}

function parseObject(text: string): Body | undefined {
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
