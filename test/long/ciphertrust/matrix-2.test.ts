import { matrix } from '../../support/ciphertrust/matrix.ts';

// A file for each process of the suite.
matrix(2, 2);
