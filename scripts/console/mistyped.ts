/** Is it a mistake in the options that somebody typed, as `parseArgs` tells it? */
export const isMistyped = (error: unknown): error is Error => error instanceof Error && `${(error as { code?: unknown }).code}`.startsWith('ERR_PARSE_ARGS');
