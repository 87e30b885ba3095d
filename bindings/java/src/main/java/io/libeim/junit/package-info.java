/** The sandbox for tests with JUnit 5. */
package io.libeim.junit;
