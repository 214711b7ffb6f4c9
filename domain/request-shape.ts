import { fits } from './fits.ts';
import shape from './request-shape.json' with { type: 'json' };
import { inspect, type Mistake } from './shape.ts';

/** What is misshapen in a request, for workflow code: by the schema that the API validates with, written out as data without the library that it is made with. */
export const mistakesOfShape = (request: unknown): Mistake[] => inspect(shape, request, fits).mistakes;
