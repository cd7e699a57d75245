import { answerLambda, createAwsSim, openFrontDoor } from "@stackyard/aws-sim";
import { systemClock } from "@stackyard/core/engine";

const ACCOUNT = "111122223333";
const REGION = "eu-west-1";

/** Lambda on a loopback port, with functions of this process. */
export interface LambdaServer {
  /** For `AWS_ENDPOINT_URL_LAMBDA`. */
  readonly url: string;
  /** Creates or replaces a function. Its errors are those that the handler throws. */
  add(name: string, handler: (event: unknown) => unknown): void;
  stop(): Promise<void>;
}

/** Starts it. */
export async function startLambda(): Promise<LambdaServer> {
  const sim = createAwsSim({ clock: systemClock });
  const { accessKeyId } = sim.iam.addUser({ account: ACCOUNT, name: "runner" });
  const answer = answerLambda(sim);
  const door = await openFrontDoor({
    // Every caller is the runner.
    services: { lambda: (request) => answer({ ...request, region: REGION, accessKeyId, sessionToken: undefined }) },
    others: "",
  });
  return {
    url: door.url,
    add: (name, handler) => sim.lambda.addFunction({ account: ACCOUNT, region: REGION, name, handler }),
    stop: () => door.stop(),
  };
}
