import { defined, formatPlannedEvent } from "@stackyard/core";
import type { MachineDetails, Preview, StackDetails } from "@stackyard/sdk";
import { useDeferredValue, useId, useState } from "react";
import { yard } from "../../api/client.ts";
import { newEventId } from "../../api/event-id.ts";
import { keys } from "../../api/keys.ts";
import { toOutcomeStatus } from "../../api/status.ts";
import { useLoad } from "../../api/use-load.ts";
import { useOperation } from "../../app/use-operation.tsx";
import { ActionDialog, Dialog } from "../../design/dialog.tsx";
import { Options, SelectField } from "../../design/fields.tsx";
import { Mark } from "../../design/mark.tsx";
import { ErrorNotice, Loaded } from "../../design/page.tsx";
import { Arrow, Reason, Text } from "../../design/text.tsx";
import { toSafeText } from "../../text/safe-text.ts";
import type { Brought } from "../last-move.ts";
import type { StackSource } from "../source.ts";
import { type EventField, findFieldRefusal, listEvents, listFields, toEventMetadata, toTexts } from "./event-fields.ts";

interface DialogProps {
  readonly source: StackSource;
  readonly stack: StackDetails;
  readonly refusal: string | undefined;
  /** An earlier event that is sent again: its values are the first ones of the form. */
  readonly initial?: { readonly event: string } & Brought;
  readonly onClose: () => void;
}

/** Sends an event to a stack, with a form from the machine's metadata rules and a preview. */
export function SendDialog({ source, stack, refusal, initial, onClose }: DialogProps) {
  const machine = useLoad(
    keys.machine(stack.machine),
    ({ signal }) => source.loadMachine?.(stack.machine, signal) ?? Promise.reject(new Error("No machine.")),
  );
  if (machine.data !== undefined) {
    return (
      <EventForm stack={stack} machine={machine.data} refusal={refusal} onClose={onClose} {...defined({ initial })} />
    );
  }
  return (
    <Dialog title={`Send an event to ${stack.id}`} onClose={onClose}>
      <section>
        <Loaded query={machine} height={160}>
          {() => null}
        </Loaded>
      </section>
    </Dialog>
  );
}

interface FormProps extends Omit<DialogProps, "source"> {
  readonly machine: MachineDetails;
}

/** For so long a person surely sees the outcome that is shown. */
const AWAITS_MS = 10_000;

function EventForm({ stack, machine, refusal, initial, onClose }: FormProps) {
  const { handled, others } = listEvents(machine, stack.state);
  const [event, setEvent] = useState(initial?.event ?? handled[0] ?? others[0] ?? "");
  const [edited, setEdited] = useState<Readonly<Record<string, string>>>({});
  const { values, hidden } = event === initial?.event ? initial : NOTHING;
  const [id] = useState(newEventId);
  const run = useOperation(stack.id);
  const fields = listFields(machine.metadata, event, stack);
  const texts = toTexts(edited, values);
  const metadata = toEventMetadata(fields, edited, values);
  const fieldRefusal = findFieldRefusal(fields, texts);
  const preview = usePreview(stack, event, metadata, fieldRefusal === undefined && event !== "");
  const typed = needsConfirmation(machine, stack, preview.data) ? stack.id : undefined;
  const send = async () => {
    const plan = preview.isPlaceholderData ? undefined : preview.data?.digest;
    const sent = await yard.publish(
      { stackId: stack.id, event, id, metadata, ...defined({ confirm: typed, plan }) },
      { awaitsMs: AWAITS_MS },
    );
    await run(event, async () => ({ ...sent, outcome: "waiting", notes: [] }));
  };
  return (
    <ActionDialog
      title={`Send an event to ${stack.id}`}
      verb={event === "" ? "Send" : `Send ${event}`}
      typed={typed}
      refusal={refusal ?? (event === "" ? "The machine declares no events" : fieldRefusal)}
      act={send}
      onClose={onClose}
    >
      <div className="stack-v">
        <SelectField title="Event" value={event} onChange={setEvent}>
          <optgroup label={toSafeText(`Handled by ${stack.state}`)}>
            <Options names={handled} />
          </optgroup>
          <optgroup label="Not handled now">
            <Options names={others} />
          </optgroup>
        </SelectField>
        {fields.map((field) => (
          <FieldInput
            key={field.name}
            field={field}
            value={texts[field.name] ?? ""}
            onChange={(text) => setEdited((before) => ({ ...before, [field.name]: text }))}
          />
        ))}
        <KeptValues values={values} fields={fields} hidden={hidden.filter((name) => metadata[name] === undefined)} />
        <section className="plan" aria-label="Preview" aria-live="polite">
          {fieldRefusal !== undefined && <p className="muted">{fieldRefusal} to see what follows.</p>}
          {preview.error !== null && <ErrorNotice error={preview.error} />}
          {fieldRefusal === undefined && preview.data !== undefined && <PreviewText preview={preview.data} />}
        </section>
      </div>
    </ActionDialog>
  );
}

const NOTHING: Brought = { values: {}, hidden: [] };

interface KeptProps extends Brought {
  readonly fields: readonly EventField[];
}

/** Names the values of the earlier event that have no field: what is sent as it was, and what is hidden and not sent. */
function KeptValues({ values, fields, hidden }: KeptProps) {
  const kept = Object.entries(values).filter(([name]) => !fields.some((field) => field.name === name));
  return (
    <>
      {kept.length > 0 && (
        <p className="wrap">
          Sent as before: <Text mono>{kept.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(", ")}</Text>
        </p>
      )}
      {hidden.length > 0 && (
        <p className="wrap">
          Not sent unless entered again, because it is hidden: <Text mono>{hidden.join(", ")}</Text>
        </p>
      )}
    </>
  );
}

function usePreview(stack: StackDetails, event: string, metadata: object, enabled: boolean) {
  const asked = useDeferredValue(JSON.stringify(metadata));
  return useLoad(
    keys.stack(stack.id, "preview", { event, asked, version: stack.version }),
    (request) => yard.stacks.preview(stack.id, { event, metadata: JSON.parse(asked) }, request),
    { enabled, placeholderData: (before) => before, gcTime: 0 },
  );
}

/** Returns true if the stack's id must be typed: for an event from a protected state to a terminal one. */
function needsConfirmation({ states }: MachineDetails, { state }: StackDetails, preview: Preview | undefined): boolean {
  if (preview?.code === "CONFIRMATION_REQUIRED") return true;
  const isProtected = states.some(({ name, ...rest }) => name === state && rest.protected === true);
  return isProtected && states.some(({ name, terminal }) => name === preview?.to && terminal);
}

const PARKED: ReadonlySet<string> = new Set([
  "EVENT_NOT_HANDLED",
  "EXPRESSION_FAILED",
  "STATE_UNKNOWN",
  "MACHINE_UNKNOWN",
  "MACHINE_INVALID",
]);

function PreviewText({ preview: { outcome, code, reason, from, to, sent, notes, events } }: { preview: Preview }) {
  // A refusal that only the present state or machine causes is parked.
  const what = outcome === "refused" && PARKED.has(code ?? "") ? "parked" : outcome;
  return (
    <>
      <p className="row">
        <Mark status={toOutcomeStatus(what)} word={`Would be ${what}`} />
        {to !== undefined && (
          <span>
            <Text>{from ?? "–"}</Text> <Arrow /> <Text>{to}</Text>
          </span>
        )}
      </p>
      {reason !== undefined && (
        <p>
          <Reason reason={reason} code={code} />
        </p>
      )}
      {sent.length > 0 && (
        <p>
          Starts <Text>{sent.join(", ")}</Text>
        </p>
      )}
      {[...notes, ...events.map(formatPlannedEvent)].map((note) => (
        <p key={note} className="muted">
          <Text>{note}</Text>
        </p>
      ))}
    </>
  );
}

interface FieldProps {
  readonly field: EventField;
  readonly value: string;
  readonly onChange: (text: string) => void;
}

function FieldInput({ field, value, onChange }: FieldProps) {
  const { name, sensitive, type } = field;
  const id = useId();
  const choices = field.enum?.map(String) ?? (type === "boolean" ? ["true", "false"] : undefined);
  return (
    <div className="field">
      <label htmlFor={id}>
        <Text>{name}</Text> <span className="muted">{describe(field)}</span>
      </label>
      {choices === undefined ? (
        <input
          id={id}
          type={sensitive ? "password" : "text"}
          inputMode={type === "number" ? "decimal" : "text"}
          autoComplete="off"
          spellCheck={false}
          value={value}
          onChange={({ target }) => onChange(target.value)}
        />
      ) : (
        <select id={id} value={value} onChange={({ target }) => onChange(target.value)}>
          <option value="">not sent</option>
          <Options names={choices} />
        </select>
      )}
    </div>
  );
}

/** Describes the values of a field: `required, number from 1 to 5`. */
function describe({ needed, sensitive, type, minimum, maximum, pattern }: EventField): string {
  const range = [minimum !== undefined && `from ${minimum}`, maximum !== undefined && `to ${maximum}`];
  const kind = type === "string" ? undefined : [type, ...range].filter(Boolean).join(" ");
  const parts = [needed && "required", sensitive && "sensitive", kind, pattern !== undefined && `like ${pattern}`];
  return toSafeText(parts.filter(Boolean).join(", "));
}
