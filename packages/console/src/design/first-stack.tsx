import { type FirstStep, FirstSteps } from "./first-steps.tsx";

const STEPS: readonly FirstStep[] = [
  {
    title: "Describe the lifecycle",
    text: "A machine is a file with states and tasks. The editor shows its graph as you type.",
    link: { path: "/machines", word: "Open machines" },
  },
  {
    title: "Send the first event",
    text: "The first event of a machine creates the stack.",
    command: "stackyard send pr-1 OPENED --machine review-app",
  },
  {
    title: "Let a code host send events",
    text: "A pull request opens, updates and removes its own stack.",
    command: "stackyard hosts setup github --url https://YOUR-SERVER",
  },
];

/** Renders the steps to the first stack of a yard. */
export function FirstStack({ shows }: { readonly shows: string }) {
  return <FirstSteps title="This yard has no stacks yet" shows={shows} steps={STEPS} />;
}
