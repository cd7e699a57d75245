import { Text } from "./text.tsx";

/** Renders the name of a state. */
export function StateName({ state }: { state: string }) {
  return (
    <span className="state-name">
      <Text>{state}</Text>
    </span>
  );
}
