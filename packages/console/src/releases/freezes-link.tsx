import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { To } from "../design/links.tsx";

/** Renders the way to the freezes, with how many there are now. */
export function FreezesLink() {
  const { data, error } = useLoad(keys.count("freezes"), (request) => yard.freezes.list(request));
  return (
    <To path="/freezes" className="button">
      {data === undefined || data.length === 0 ? toWord(error) : `Freezes: ${data.length} now`}
    </To>
  );
}

function toWord(error: Error | null): string {
  return error === null ? "Freezes" : "Freezes: not known now";
}
