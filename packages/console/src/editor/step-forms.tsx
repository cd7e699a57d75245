import { defined } from "@stackyard/core";
import type { SimulationLine } from "@stackyard/core/machine";
import { useState } from "react";
import { Button } from "../design/button.tsx";
import { Form, Offers } from "../design/fields.tsx";
import { Icon } from "../design/icon.tsx";
import type { MachineText, Simulated } from "../machine/messages.ts";
import type { Outline } from "../machine/outline.ts";
import { formatDuration } from "../text/durations.ts";
import { toSafeText } from "../text/safe-text.ts";
import { toValue } from "./form-fields.tsx";
import type { Simulation } from "./use-simulation.ts";

interface FormsProps {
  readonly machine: string;
  readonly outline: Outline;
  /** The stack of the last step. */
  readonly stack: SimulationLine["stack"] | undefined;
  readonly simulation: Simulation;
  readonly played: Simulated;
  readonly second: (MachineText & { readonly file: string }) | undefined;
}

/** Renders what can happen next: a button for each thing, a form for what needs more, and time that passes. */
export function StepForms({ machine, outline, stack, simulation, played, second }: FormsProps) {
  const { add, form, setForm } = simulation;
  const [stackId, setStackId] = useState("stack-1");
  const id = stack?.id ?? stackId;
  return (
    <>
      <h3>What happens next?</h3>
      <fieldset className="row next-steps" aria-label="What happens next">
        {played.can.map((next) => (
          <Button
            key={next.title}
            {...(next.form && { pressed: next.form.name === form?.name && next.form.kind === form.kind })}
            onPress={() => (next.form === undefined ? add(...next.steps) : setForm(next.form))}
          >
            {toSafeText(next.title)}
          </Button>
        ))}
        <Button
          look="plain"
          pressed={form?.kind === "event" && form.name === ""}
          onPress={() => setForm({ kind: "event", name: "" })}
        >
          Another event…
        </Button>
      </fieldset>
      {form?.kind === "event" && (
        <SendForm
          key={form.name}
          machine={machine}
          outline={outline}
          first={form.name}
          stackId={id}
          onStackId={setStackId}
          onStep={add}
          onClose={() => setForm(undefined)}
        />
      )}
      {form?.kind === "answer" && (
        <TaskAnswer key={form.name} name={form.name} stackId={id} onStep={add} onClose={() => setForm(undefined)} />
      )}
      <TimeForm played={played} onStep={add} />
      {second !== undefined && (
        <div className="row">
          <Button onPress={() => add({ load: second.file })}>Load {toSafeText(second.file)}</Button>
          <Button onPress={() => add({ upgrade: id, dryRun: true })}>Upgrade {toSafeText(id)} (dry run)</Button>
          <Button onPress={() => add({ upgrade: id })}>Upgrade {toSafeText(id)}</Button>
        </div>
      )}
    </>
  );
}

interface SendProps {
  readonly machine: string;
  readonly outline: Outline;
  /** The event to begin with; empty for any. */
  readonly first: string;
  readonly stackId: string;
  readonly onStackId: (id: string) => void;
  readonly onStep: (step: unknown) => void;
  readonly onClose: () => void;
}

function SendForm({ machine, outline, first, stackId, onStackId, onStep, onClose }: SendProps) {
  const { events } = outline;
  const [event, setEvent] = useState(first);
  const [metadata, setMetadata] = useState<Readonly<Record<string, string>>>({});
  const [sender, setSender] = useState("");
  const [groups, setGroups] = useState("");
  const required = events.find(({ name }) => name === event)?.metadata ?? [];
  const shown = [...new Set([...required, ...outline.metadata.map(({ name }) => name)])].slice(0, 20);
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
    <Form className="step-form" onSubmit={() => event !== "" && send()}>
      <Labelled label="Stack" value={stackId} onChange={onStackId} />
      <label>
        Event
        <input
          className="input"
          list="sent-events"
          ref={first === "" ? focusIt : undefined}
          value={event}
          onChange={({ target }) => setEvent(target.value)}
        />
      </label>
      <Offers id="sent-events" names={[...events.map(({ name }) => name), "RETRY_FAILED_TASKS", "REMOVE_STACK"]} />
      {shown.map((key, index) => (
        <Labelled
          key={key}
          label={required.includes(key) ? `${key} *` : key}
          isFirst={first !== "" && index === 0}
          value={metadata[key] ?? ""}
          onChange={(value) => setMetadata({ ...metadata, [key]: value })}
        />
      ))}
      <Labelled label="Sender" value={sender} onChange={setSender} />
      <Labelled label="Groups, separated by commas" value={groups} onChange={setGroups} />
      <div className="row">
        <Button type="submit" refusal={event === "" ? "Enter an event" : undefined}>
          Send
        </Button>
        <Button look="plain" onPress={onClose}>
          Close
        </Button>
      </div>
    </Form>
  );
}

/** Lets the focus begin in a field of a form that was just opened. */
function focusIt(field: HTMLInputElement | null): void {
  field?.focus();
}

interface LabelledProps {
  readonly label: string;
  readonly value: string;
  /** The focus begins in it. */
  readonly isFirst?: boolean;
  readonly onChange: (value: string) => void;
}

function Labelled({ label, value, isFirst = false, onChange }: LabelledProps) {
  return (
    <label>
      {toSafeText(label)}
      <input
        className="input"
        value={value}
        spellCheck={false}
        ref={isFirst ? focusIt : undefined}
        onChange={({ target }) => onChange(target.value)}
      />
    </label>
  );
}

interface AnswerProps {
  readonly name: string;
  readonly stackId: string;
  readonly onStep: (step: unknown) => void;
  readonly onClose: () => void;
}

/** Renders how a task ends: with outputs, with an error, or cancelled. */
function TaskAnswer({ name, stackId, onStep, onClose }: AnswerProps) {
  const [outputs, setOutputs] = useState("");
  const [message, setMessage] = useState("failed");
  const base = { task: name, stackId };
  return (
    <Form className="step-form" onSubmit={() => onStep({ ...base, result: "failed", message })}>
      <Labelled label={`Error of ${name}`} isFirst value={message} onChange={setMessage} />
      <div className="row">
        <Button type="submit">{toSafeText(name)} fails</Button>
        <Button onPress={() => onStep({ ...base, result: "cancelled" })}>{toSafeText(name)} is cancelled</Button>
      </div>
      <Labelled label={`Outputs of ${name}, such as url=https://x, port=80`} value={outputs} onChange={setOutputs} />
      <div className="row">
        <Button onPress={() => onStep({ ...base, result: "succeeded", ...defined({ outputs: toOutputs(outputs) }) })}>
          {toSafeText(name)} succeeds with these
        </Button>
        <Button look="plain" onPress={onClose}>
          Close
        </Button>
      </div>
    </Form>
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

const TIMER_NAMES: Readonly<Record<string, string>> = {
  TIMEOUT: "To the timeout",
  TASK_TIMED_OUT: "To the timeout of a task",
  TASK_RETRY_DUE: "To the next try of a task",
};

function toTimerName(event: string): string {
  return TIMER_NAMES[event] ?? `To ${toSafeText(event)}`;
}

function TimeForm({ played, onStep }: { played: Simulated; onStep: (step: unknown) => void }) {
  const [length, setLength] = useState("15m");
  return (
    <Form className="row time-form" onSubmit={() => onStep({ advance: length })}>
      <Labelled label="Let time pass" value={length} onChange={setLength} />
      <Button type="submit">Advance</Button>
      {played.timers.map(({ event, at, step }) => (
        <Button key={`${event} ${at}`} onPress={() => onStep(step)}>
          <Icon name="clock" size={14} /> {toTimerName(event)}, in{" "}
          {formatDuration(Date.parse(at) - Date.parse(played.now))}
        </Button>
      ))}
    </Form>
  );
}
