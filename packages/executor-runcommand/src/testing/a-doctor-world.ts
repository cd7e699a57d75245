import { createFakeClock } from "@stackyard/core/testing";
import type { DoctorAws } from "../commands/load-fleet-facts.ts";

/** What calls answer, by the command's name without `Command`; an `Error` is thrown. */
export type Answers = Readonly<Record<string, unknown>>;

/** A call that was made. */
export interface DoctorCall {
  readonly name: string;
  readonly input: unknown;
}

/** Creates AWS for a doctor, and records its calls. */
export function aDoctorWorld(answers: Answers): { readonly aws: DoctorAws; readonly calls: DoctorCall[] } {
  const calls: DoctorCall[] = [];
  const send = async (command: { readonly constructor: { readonly name: string }; readonly input: unknown }) => {
    const name = command.constructor.name.replace(/Command$/, "");
    calls.push({ name, input: command.input });
    const answer = answers[name];
    if (answer instanceof Error) throw answer;
    return answer ?? {};
  };
  const client = { send } as never;
  const clock = createFakeClock();
  const { signal } = new AbortController();
  const aws = { ssm: client, ec2: client, clock, signal, deadlineAt: clock.now() + 60_000, random: () => 0.5 };
  return { aws: { aws, iam: client }, calls };
}

/** Returns a rejection in the format of AWS. */
export function refusal(name: string, httpStatusCode = 403): Error {
  return Object.assign(new Error(`Told to: ${name}`), { name, $metadata: { httpStatusCode } });
}
