import { defined } from "@stackyard/core";
import type { SimulationLine } from "@stackyard/core/machine";
import { useState } from "react";
import { Button } from "../design/button.tsx";
import { Form, Offers } from "../design/fields.tsx";
import { Icon } from "../design/icon.tsx";
import type { MachineText, NextTimer } from "../machine/messages.ts";
import type { Outline } from "../machine/outline.ts";
import { toSafeText } from "../text/safe-text.ts";
import { toValue } from "./form-fields.tsx";

interface FormsProps {
  readonly machine: string;
  readonly outline: Outline | undefined;
  /** The result of the last step. */
  readonly line: SimulationLine | undefined;
  readonly next: NextTimer | undefined;
  /** True once it is known if there is a next timer. */
  readonly isPlayed: boolean;
  readonly second: (MachineText & { readonly file: string }) | undefined;
  readonly onStep: (step: unknown) => void;
}

/** Renders the next step of a scenario: send an event, complete a task, approve, advance time, load a revision. */
export function StepForms({ machine, outline, line, next, isPlayed, second, onStep }: FormsProps) {
  const [stackId, setStackId] = useState("stack-1");
  const stack = line?.stack;
  const id = stack?.id ?? stackId;
  return (
    <div className="stack-v">
      <SendForm
        key={outline?.events.map(({ name }) => name).join()}
        machine={machine}
        outline={outline}
        stackId={id}
        onStackId={setStackId}
        onStep={onStep}
      />
      {stack?.tasks.some(({ status }) => status === "PENDING") && (
        <div className="row">
          <span className="muted">Task</span>
          {stack.tasks
            .filter(({ status }) => status === "PENDING")
            .map(({ name }) => (
              <TaskAnswer key={name} name={name} stackId={stack.id} onStep={onStep} />
            ))}
        </div>
      )}
      {(stack?.approvals ?? []).map((approval) => (
        <div key={approval.task} className="row">
          <span className="muted">
            {toSafeText(approval.task)}: {approval.given.length} of {approval.count} approvals
          </span>
          <Button onPress={() => onStep(toApproval(id, approval))}>Approve</Button>
        </div>
      ))}
      <TimeForm next={next} isPlayed={isPlayed} onStep={onStep} />
      {second !== undefined && (
        <div className="row">
          <Button onPress={() => onStep({ load: second.file })}>Load {toSafeText(second.file)}</Button>
          <Button onPress={() => onStep({ upgrade: id, dryRun: true })}>Upgrade {toSafeText(id)} (dry run)</Button>
          <Button onPress={() => onStep({ upgrade: id })}>Upgrade {toSafeText(id)}</Button>
        </div>
      )}
    </div>
  );
}

function toApproval(
  stackId: string,
  { task, from, of, given }: NonNullable<NonNullable<SimulationLine["stack"]>["approvals"]>[number],
) {
  const body = { stackId, event: "APPROVE", task: { name: task }, ...defined({ of }) };
  return { event: body, sender: { name: `approver-${given.length + 1}`, groups: from.slice(0, 1) } };
}

interface SendProps {
  readonly machine: string;
  readonly outline: Outline | undefined;
  readonly stackId: string;
  readonly onStackId: (id: string) => void;
  readonly onStep: (step: unknown) => void;
}

function SendForm({ machine, outline, stackId, onStackId, onStep }: SendProps) {
  const events = outline?.events ?? [];
  const [event, setEvent] = useState(events[0]?.name ?? "");
  const [metadata, setMetadata] = useState<Readonly<Record<string, string>>>({});
  const [sender, setSender] = useState("");
  const [groups, setGroups] = useState("");
  const required = events.find(({ name }) => name === event)?.metadata ?? [];
  const shown = [...new Set([...required, ...(outline?.metadata ?? []).map(({ name }) => name)])].slice(0, 20);
  const send = () => {
    const values = Object.entries(metadata).filter(([, value]) => value !== "");
    const body = {
      stackId,
      machine,
      event,
      ...(values.length > 0 && {
        metadata: Object.fromEntries(values.map(([key, value]) => [key, toValue(outline, key, value)])),
      }),
    };
    onStep(
      sender === ""
        ? { event: body }
        : {
            event: body,
            sender: {
              name: sender,
              groups: groups
                .split(",")
                .map((group) => group.trim())
                .filter(Boolean),
            },
          },
    );
  };
  return (
    <Form className="row" onSubmit={() => event !== "" && send()}>
      <Labelled label="Stack" value={stackId} onChange={onStackId} />
      <label className="row">
        Event
        <input className="input" list="sent-events" value={event} onChange={({ target }) => setEvent(target.value)} />
      </label>
      <Offers id="sent-events" names={[...events.map(({ name }) => name), "RETRY_FAILED_TASKS", "REMOVE_STACK"]} />
      <details>
        <summary>Metadata{required.length > 0 && ` (needs ${required.join(", ")})`}, sender</summary>
        <div className="stack-v panel-body">
          {shown.map((key) => (
            <Labelled
              key={key}
              label={required.includes(key) ? `${key} *` : key}
              value={metadata[key] ?? ""}
              onChange={(value) => setMetadata({ ...metadata, [key]: value })}
            />
          ))}
          <Labelled label="Sender" value={sender} onChange={setSender} />
          <Labelled label="Groups, separated by commas" value={groups} onChange={setGroups} />
        </div>
      </details>
      <Button type="submit" look="primary" refusal={event === "" ? "Enter an event" : undefined}>
        Send
      </Button>
    </Form>
  );
}

function Labelled({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  return (
    <label className="row">
      {toSafeText(label)}
      <input className="input" value={value} spellCheck={false} onChange={({ target }) => onChange(target.value)} />
    </label>
  );
}

function TaskAnswer({ name, stackId, onStep }: { name: string; stackId: string; onStep: (step: unknown) => void }) {
  const [outputs, setOutputs] = useState("");
  const base = { task: name, stackId };
  const succeed = () => {
    const values = toOutputs(outputs);
    onStep({ ...base, result: "succeeded", ...defined({ outputs: values }) });
  };
  return (
    <span className="command">
      {toSafeText(name)}
      <input
        className="input"
        style={{ width: "9rem" }}
        aria-label={`Outputs of ${name}`}
        placeholder="output=value"
        value={outputs}
        onChange={({ target }) => setOutputs(target.value)}
      />
      <Button label={`${name} succeeded`} onPress={succeed}>
        <Icon name="check" /> Succeeded
      </Button>
      <Button label={`${name} failed`} onPress={() => onStep({ ...base, result: "failed", message: "failed" })}>
        <Icon name="remove" /> Failed
      </Button>
      <Button label={`${name} cancelled`} onPress={() => onStep({ ...base, result: "cancelled" })}>
        Cancelled
      </Button>
    </span>
  );
}

/** Parses `url=https://x, port=80` to a map. */
function toOutputs(text: string): Readonly<Record<string, string>> | undefined {
  const entries = text.split(",").flatMap((part) => {
    const at = part.indexOf("=");
    return at === -1 ? [] : [[part.slice(0, at).trim(), part.slice(at + 1).trim()] as const];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function TimeForm({ next, isPlayed, onStep }: Pick<FormsProps, "next" | "isPlayed" | "onStep">) {
  const [length, setLength] = useState("15m");
  const none = isPlayed ? "No timer is set" : "The steps are being played";
  return (
    <Form className="row" onSubmit={() => onStep({ advance: length })}>
      <Labelled label="Let time pass" value={length} onChange={setLength} />
      <Button type="submit">Advance</Button>
      <Button refusal={next === undefined ? none : undefined} onPress={() => next && onStep(next.step)}>
        Next timer{next !== undefined && `: ${toSafeText(next.event)} in ${next.step.advance}`}
      </Button>
    </Form>
  );
}
