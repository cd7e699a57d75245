import { usePlaceName } from "../api/use-account-name.ts";
import { Text } from "./text.tsx";

/** Renders a place in AWS, with the name of its account where the yard's configuration has one. */
export function AwsPlace({ account, region }: { account: string; region: string }) {
  return <Text>{usePlaceName()(account, region)}</Text>;
}
