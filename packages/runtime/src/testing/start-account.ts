import { answerSecrets, createAwsSim, type FrontDoor, openFrontDoor } from "@stackyard/aws-sim";
import { systemClock } from "@stackyard/core/engine";
import { type SharedPostgres, sharePostgres } from "@stackyard/postgres-server";
import { type Cloud, startCloud } from "./start-cloud.ts";
import { type LambdaServer, startLambda } from "./start-lambda.ts";

/** An account with all its services at one address, as an emulator provides it, and a separate database. */
export interface Account {
  readonly cloud: Cloud;
  readonly door: FrontDoor;
  /** The users' functions that tasks call. */
  readonly functions: LambdaServer;
  /** The variables for access, without those of Stackyard. */
  readonly environment: Readonly<Record<string, string>>;
  readonly postgres: SharedPostgres | undefined;
  /** Creates a secret. Returns its ARN. */
  createSecret(name: string, value: unknown): string;
  stop(): Promise<void>;
}

const ACCOUNT = "111122223333";
const REGION = "eu-west-1";

/** Starts it. `hasPostgres`: with a database. */
export async function startAccount({ hasPostgres = false } = {}): Promise<Account> {
  const [cloud, functions, postgres] = await Promise.all([
    startCloud(),
    startLambda(),
    hasPostgres ? sharePostgres() : undefined,
  ]);
  const sim = createAwsSim({ clock: systemClock });
  const { accessKeyId, secretAccessKey } = sim.iam.addUser({ account: ACCOUNT, name: "functions" });
  const { AWS_ENDPOINT_URL: others = "", AWS_ENDPOINT_URL_DYNAMODB: dynamodb = "" } = cloud.environment;
  const services = { dynamodb, lambda: functions.url, secretsmanager: answerSecrets(sim) };
  const door = await openFrontDoor({ services, others });
  return {
    cloud,
    door,
    functions,
    postgres,
    environment: {
      AWS_DEFAULT_REGION: REGION,
      AWS_ENDPOINT_URL: door.url,
      LOG_LEVEL: "error",
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    },
    createSecret: (name, value) => {
      return sim.secrets.createSecret({ account: ACCOUNT, region: REGION, name, value: JSON.stringify(value) });
    },
    async stop() {
      await door.stop();
      await Promise.all([cloud.stop(), functions.stop(), postgres?.stop()]);
    },
  };
}
