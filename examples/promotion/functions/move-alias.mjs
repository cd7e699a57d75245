import { GetAliasCommand, LambdaClient, UpdateAliasCommand } from "@aws-sdk/client-lambda";

/**
 * Moves an alias to a version; with a weight below 1 only that part of its calls. May be repeated.
 * @param {LambdaClient} lambda
 */
export const createHandler =
  (lambda) =>
  /** @param {{ args: { function: string, alias: string, version: string, weight?: number } }} request */
  async ({ args: { function: FunctionName, alias: Name, version, weight = 1 } }) => {
    const { FunctionVersion: before } = await lambda.send(new GetAliasCommand({ FunctionName, Name }));
    const isPart = weight < 1 && before !== version;
    await lambda.send(
      new UpdateAliasCommand({
        FunctionName,
        Name,
        FunctionVersion: isPart ? before : version,
        // Lambda keeps the weights that an update leaves out.
        RoutingConfig: { AdditionalVersionWeights: isPart ? { [version]: weight } : {} },
      }),
    );
    return { before };
  };

export const handler = createHandler(new LambdaClient());
