/** The command cannot do what was asked; the message names the object or option and what helps. Exit code 1. */
export class CliError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CliError';
  }
}
